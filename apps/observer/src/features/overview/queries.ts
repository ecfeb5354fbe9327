"use client";

import { useQuery } from "@tanstack/react-query";
import { bodyOf } from "@/lib/api/client";
import { useApi } from "@/lib/api/provider";
import { useStats } from "@/lib/live/provider";
import { withStats } from "./verdict";

/** How often the figures over time are read anew; counts come over the socket meanwhile. */
const REFRESH_MS = 10_000;

/** The overview of so many minutes, with the latest counts in it. */
export function useOverview(minutes: number, refreshMs = REFRESH_MS) {
  const api = useApi();
  const { data: stats } = useStats();
  const query = useQuery({
    queryKey: ["overview", minutes],
    queryFn: () => bodyOf(api.GET("/v1/overview", { params: { query: { minutes } } })),
    refetchInterval: refreshMs,
  });
  return { ...query, data: query.data && withStats(query.data, stats) };
}
