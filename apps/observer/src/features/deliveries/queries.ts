"use client";

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { bodyOf } from "@/lib/api/client";
import { useApi } from "@/lib/api/provider";
import { isMoving } from "./words";

const PAGE_ROWS = 100;
/** Until Nexus hears of a replay and has done it: it is looked at this often. */
const MOVING_MS = 1500;

export const GROUPS_KEY = ["deliveries", "groups"];
export const ROWS_KEY = ["deliveries", "rows"];

/** Which dead letters: those of one cause, or those that match a text. */
export interface RowFilter {
  fingerprint?: string;
  q?: string;
}

/** What died, by its cause; the biggest first. */
export function useGroups() {
  const api = useApi();
  return useQuery({
    queryKey: GROUPS_KEY,
    queryFn: ({ signal }) =>
      bodyOf(api.GET("/v1/deliveries/groups", { params: { query: { state: "dead" } }, signal })),
  });
}

/** Dead letters one by one, the newest first, page by page. */
export function useRows(filter: RowFilter, enabled = true) {
  const api = useApi();
  return useInfiniteQuery({
    queryKey: [...ROWS_KEY, filter],
    queryFn: ({ pageParam, signal }) =>
      bodyOf(
        api.GET("/v1/deliveries", {
          params: { query: { ...filter, state: "dead", limit: PAGE_ROWS, cursor: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
    placeholderData: undefined, // rows of another cause are no stand-in
    enabled,
  });
}

/** One delivery with what it carries. Looked at again while it moves. */
export function useDelivery(id: string | null) {
  const api = useApi();
  return useQuery({
    queryKey: ["deliveries", "one", id],
    queryFn: ({ signal }) =>
      bodyOf(
        api.GET("/v1/deliveries/{delivery_id}", { params: { path: { delivery_id: id ?? "" } }, signal }),
      ),
    enabled: id !== null,
    placeholderData: undefined,
    refetchInterval: ({ state: { data } }) => (data !== undefined && isMoving(data) ? MOVING_MS : false),
  });
}

/** Why a delivery is as it is. `state` makes it anew when that changes. */
export function useExplanation(id: string | null, state: string | undefined) {
  const api = useApi();
  return useQuery({
    queryKey: ["deliveries", "explain", id, state],
    queryFn: ({ signal }) =>
      bodyOf(api.GET("/v1/explain/{wanted}", { params: { path: { wanted: id ?? "" } }, signal })),
    enabled: id !== null && state !== undefined,
    placeholderData: undefined,
  });
}
