import { Skeleton, Stack } from "@mantine/core";
import { AfterAWhile } from "@/ui/Skeletons";
import charts from "./Charts.module.css";
import health from "./HealthCards.module.css";

/** In the shape of the page. */
export function OverviewSkeleton() {
  return (
    <AfterAWhile>
      <Stack gap={18}>
        <Skeleton h={104} radius="lg" />
        <Skeleton h={88} radius="lg" />
        <div className={health.cards}>
          <Skeleton h={150} radius="lg" />
          <Skeleton h={150} radius="lg" />
          <Skeleton h={150} radius="lg" />
        </div>
        <div className={charts.charts}>
          <Skeleton h={272} radius="lg" />
          <Skeleton h={272} radius="lg" />
        </div>
      </Stack>
    </AfterAWhile>
  );
}
