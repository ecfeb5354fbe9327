"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useLiveEvent } from "@/lib/live/provider";
import type { Row } from "./paging";

/**
 * Keeps the open task fresh where its id in the URL is not the one that events name: the conversation's, or that of a
 * conversation that nobody works on yet and that becomes a task.
 */
export function useOpenTaskEvents(id: string | null, task: Row | undefined): void {
  const queries = useQueryClient();
  useLiveEvent("task", (change) => {
    if (task === undefined || change.id === id) return;
    if (task.id === change.id || task.state === null)
      void queries.invalidateQueries({ queryKey: ["task", id] });
  });
}
