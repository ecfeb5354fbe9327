"use client";

import { IconTimeline } from "@tabler/icons-react";
import { useMemo } from "react";
import { useNow } from "@/lib/clock";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { SkeletonRows } from "@/ui/Skeletons";
import { useTimeline } from "../detail-queries";
import { isOver, type Task } from "../params";
import { hopsOf } from "./hops";
import { Waterfall } from "./Waterfall";

/** Every hop of a task, from the webhook to the post, on a scale of time. */
export function Timeline({ id, task }: { id: string; task: Task | undefined }) {
  const { data, error, refetch } = useTimeline(id);
  const now = useNow();
  const isLive =
    task !== undefined &&
    (!isOver(task) || data?.some((entry) => entry.duration_ms === null && entry.started_at !== null));
  const shownNow = isLive === true ? now : 0;
  const hops = useMemo(() => hopsOf(data ?? [], task, shownNow), [data, task, shownNow]);

  if (data === undefined) {
    return error === null ? (
      <SkeletonRows rows={10} />
    ) : (
      <ErrorState title="The timeline could not be read" error={error} onRetry={() => void refetch()} />
    );
  }
  if (data.length === 0) {
    return (
      <EmptyState icon={<IconTimeline size={20} />} title="Nothing has happened yet">
        Each webhook, each step of the agent and each message appears here, with how long it took.
      </EmptyState>
    );
  }
  return <Waterfall hops={hops} />;
}
