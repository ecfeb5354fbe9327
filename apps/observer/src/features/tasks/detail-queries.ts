"use client";

import { useQuery } from "@tanstack/react-query";
import { bodyOf, type Model } from "@/lib/api/client";
import { PAGE_LIMIT, readWhole } from "@/lib/api/pages";
import { useApi } from "@/lib/api/provider";

export type Entry = Model<"TimelineEntry">;
export type Said = Model<"ConversationEntry">;

// All below `["task", id]`: an event about the task has them read anew.

/** Every hop of a task, oldest first. */
export function useTimeline(id: string) {
  const api = useApi();
  return useQuery({
    queryKey: ["task", id, "timeline"],
    queryFn: async ({ signal }) => {
      const read = (cursor: string | undefined) =>
        bodyOf(
          api.GET("/v1/tasks/{task_id}/timeline", {
            params: { path: { task_id: id }, query: { limit: PAGE_LIMIT, cursor } },
            signal,
          }),
        );
      return (await readWhole(read)).items;
    },
    placeholderData: undefined,
  });
}

/** What was said about a task, oldest first. */
export function useConversation(id: string) {
  const api = useApi();
  return useQuery({
    queryKey: ["task", id, "conversation"],
    queryFn: async ({ signal }) => {
      const read = (cursor: string | undefined) =>
        bodyOf(
          api.GET("/v1/tasks/{task_id}/conversation", {
            params: { path: { task_id: id }, query: { limit: PAGE_LIMIT, cursor } },
            signal,
          }),
        );
      return (await readWhole(read)).items;
    },
    placeholderData: undefined,
  });
}

/** Why a task is where it is. */
export function useExplanation(id: string) {
  const api = useApi();
  return useQuery({
    queryKey: ["task", id, "explanation"],
    queryFn: ({ signal }) =>
      bodyOf(api.GET("/v1/explain/{wanted}", { params: { path: { wanted: id } }, signal })),
    placeholderData: undefined,
  });
}
