import { Button } from "@mantine/core";
import { EmptyState } from "@/ui/EmptyState";

export default function NotFound() {
  return (
    <EmptyState
      title="There is no such page"
      action={
        <Button component="a" href="/overview">
          Go to the overview
        </Button>
      }
    >
      The address may have been copied in part.
    </EmptyState>
  );
}
