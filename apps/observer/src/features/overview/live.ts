"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { useLiveEvent } from "@/lib/live/provider";

const AT_MOST_EVERY_MS = 2000;

/** Reads the overview anew when a count over the socket changes: which items it is about is only there. */
export function useOverviewLive(): void {
  const queries = useQueryClient();
  const last = useRef<{ counts: string; askedAt: number } | null>(null);
  useLiveEvent("stats", ({ unanswered, waiting_tasks, dead, agents_online }) => {
    const counts = [unanswered, waiting_tasks, dead, agents_online].join();
    const before = last.current;
    const isEarly = before !== null && Date.now() - before.askedAt < AT_MOST_EVERY_MS;
    if (before?.counts === counts || isEarly) return;
    last.current = { counts, askedAt: Date.now() };
    if (before !== null) void queries.invalidateQueries({ queryKey: ["overview"] });
  });
}
