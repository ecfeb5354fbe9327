"use client";

import { useQuery } from "@tanstack/react-query";
import { bodyOf } from "@/lib/api/client";
import { useApi } from "@/lib/api/provider";
import { OWN_SOURCES } from "./filters";

/** All that lines may come from: the vendors that Nexus knows, agents, Oblivion itself and people. */
export function useSources(): string[] {
  const api = useApi();
  const { data } = useQuery({
    queryKey: ["feed-sources"],
    queryFn: async () => (await bodyOf(api.GET("/v1/integrations"))).items.map(({ vendor }) => vendor),
    staleTime: Infinity,
  });
  return [...new Set([...(data ?? []), ...OWN_SOURCES])];
}

/** The title of the task whose lines are shown; undefined until it is known, or when there is no such task. */
export function useTaskTitle(id: string | null): string | undefined {
  const api = useApi();
  const { data } = useQuery({
    queryKey: ["task", id],
    queryFn: () => bodyOf(api.GET("/v1/tasks/{task_id}", { params: { path: { task_id: id ?? "" } } })),
    enabled: id !== null,
    placeholderData: undefined,
  });
  return data?.title;
}
