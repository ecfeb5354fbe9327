import { Button } from "@mantine/core";
import { IconFilterOff, IconPlugConnectedX, IconTerminal2 } from "@tabler/icons-react";
import Link from "next/link";
import { useLive } from "@/lib/live/provider";
import { EmptyState } from "@/ui/EmptyState";
import { SkeletonRows } from "@/ui/Skeletons";
import { NO_FILTERS, isFiltered, type FeedParams } from "./filters";

export interface FeedStateProps {
  params: FeedParams;
  /** Why Nexus did not accept the filters. */
  refusal: string | null;
  hasBegun: boolean;
  onChange: (change: Partial<FeedParams>) => void;
}

/** What is said instead of lines. */
export function FeedState({ params, refusal, hasBegun, onChange }: FeedStateProps) {
  const { state, reason, retry } = useLive();
  const clear = (
    <Button
      onClick={() => {
        onChange(NO_FILTERS);
      }}
    >
      Clear filters
    </Button>
  );
  if (state === "refused") {
    return (
      <EmptyState
        icon={<IconPlugConnectedX size={20} />}
        title="Live events are refused"
        action={<Button onClick={retry}>Try again</Button>}
      >
        {reason}
      </EmptyState>
    );
  }
  if (refusal !== null) {
    return (
      <EmptyState icon={<IconFilterOff size={20} />} title="These filters cannot be used" action={clear}>
        {refusal}
      </EmptyState>
    );
  }
  if (state === "connecting" || (state === "live" && !hasBegun)) return <SkeletonRows rows={16} />;
  if (state !== "live") {
    return (
      <EmptyState
        icon={<IconPlugConnectedX size={20} />}
        title="Not connected to Nexus"
        action={<Button onClick={retry}>Try now</Button>}
      >
        {reason ?? "The first lines appear as soon as it answers."}
      </EmptyState>
    );
  }
  if (isFiltered(params)) {
    return (
      <EmptyState icon={<IconFilterOff size={20} />} title="Nothing matches" action={clear}>
        No line among the newest ones fits these filters. New ones that do appear here at once.
      </EmptyState>
    );
  }
  return (
    <EmptyState
      icon={<IconTerminal2 size={20} />}
      title="Nothing has happened yet"
      action={
        <Button component={Link} href="/mappings">
          Link a list to a channel
        </Button>
      }
    >
      Each webhook, each step of a task, each message and each agent that comes or goes appears here as a
      line, the moment that it happens.
    </EmptyState>
  );
}
