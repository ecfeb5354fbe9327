"use client";

import {
  useInfiniteQuery,
  useQuery,
  useQueryClient,
  type InfiniteData,
  type QueryClient,
} from "@tanstack/react-query";
import { useEffect, useEffectEvent, useMemo, useRef } from "react";
import { bodyOf, type NexusClient } from "@/lib/api/client";
import { useApi } from "@/lib/api/provider";
import { useLive } from "@/lib/live/provider";
import { merged, rowOf, spilled, type Row } from "./paging";
import { isWanted, queryOf, type Task, type TaskFilters } from "./params";

const NEWEST_LIMIT = 100;
const OLDER_LIMIT = 200;

interface RowPage {
  items: Row[];
  next_cursor: string | null;
}

/**
 * The tasks that match, newest first. The newest page is read anew whenever something happens; older ones are read
 * once, on demand, and then only changed by events, so that a long list stays cheap.
 */
export function useTasks(filters: TaskFilters) {
  const api = useApi();
  const queries = useQueryClient();
  const newest = useQuery({
    queryKey: ["tasks", filters],
    queryFn: async ({ signal }) => {
      const page = await readPage(api, filters, undefined, NEWEST_LIMIT, signal);
      keepSpilled(queries, filters, page.items);
      return page;
    },
  });
  const older = useInfiniteQuery({
    queryKey: olderKey(filters),
    enabled: false, // Read on demand only: each invalidation would read all pages again.
    initialPageParam: newest.data?.next_cursor ?? "",
    queryFn: ({ pageParam, signal }) => readPage(api, filters, pageParam, OLDER_LIMIT, signal),
    getNextPageParam: (last: RowPage) => last.next_cursor,
    placeholderData: undefined,
  });
  useRereadAfterOutage(() => {
    if (older.data !== undefined) void older.refetch();
  });

  const rows = useMemo(() => {
    if (newest.data === undefined) return undefined;
    const all = merged(newest.data.items, older.data?.pages.flatMap((page) => page.items) ?? []);
    return all.filter((row) => isWanted(row, filters));
  }, [newest.data, older.data, filters]);
  const hasMore = older.data === undefined ? Boolean(newest.data?.next_cursor) : older.hasNextPage;
  return {
    rows,
    error: newest.error,
    isStale: newest.isPlaceholderData,
    /** When the newest page was read, ISO 8601. */
    readAt: newest.dataUpdatedAt === 0 ? null : new Date(newest.dataUpdatedAt).toISOString(),
    refetch: newest.refetch,
    more: hasMore && !newest.isPlaceholderData ? () => void older.fetchNextPage() : undefined,
    isLoadingMore: older.isFetchingNextPage || older.isLoading,
    moreError: older.error,
  };
}

/** One task by its id or its conversation's, if any; what the list knows of it is shown at once. */
export function useTask(id: string | null) {
  const api = useApi();
  const queries = useQueryClient();
  return useQuery<Row>({
    queryKey: ["task", id],
    queryFn: ({ signal }) => readTask(api, id ?? "", signal),
    enabled: id !== null,
    placeholderData: () => (id === null ? undefined : knownTask(queries, id)),
  });
}

async function readTask(api: NexusClient, id: string, signal: AbortSignal): Promise<Row> {
  const task = await bodyOf(api.GET("/v1/tasks/{task_id}", { params: { path: { task_id: id } }, signal }));
  return rowOf(task, Date.now());
}

async function readPage(
  api: NexusClient,
  filters: TaskFilters,
  cursor: string | undefined,
  limit: number,
  signal: AbortSignal,
): Promise<RowPage> {
  const query = { ...queryOf(filters), limit, ...(cursor === undefined ? {} : { cursor }) };
  const page = await bodyOf(api.GET("/v1/tasks", { params: { query }, signal }));
  const now = Date.now();
  return { items: page.items.map((task) => rowOf(task, now)), next_cursor: page.next_cursor ?? null };
}

function olderKey(filters: TaskFilters) {
  return ["tasks", filters, "older"];
}

function keepSpilled(queries: QueryClient, filters: TaskFilters, now: Row[]): void {
  const before = queries.getQueryData<RowPage>(["tasks", filters])?.items ?? [];
  const { rows, reset } = spilled(before, now);
  if (reset) {
    void queries.resetQueries({ queryKey: olderKey(filters), exact: true });
  } else if (rows.length > 0) {
    queries.setQueryData<InfiniteData<RowPage, string>>(olderKey(filters), (data) => {
      const [first, ...rest] = data?.pages ?? [];
      if (data === undefined || first === undefined) return data;
      return { ...data, pages: [{ ...first, items: [...rows, ...first.items] }, ...rest] };
    });
  }
}

function knownTask(queries: QueryClient, id: string): Row | undefined {
  type Kept = RowPage | InfiniteData<RowPage, string>;
  for (const [, data] of queries.getQueriesData<Kept>({ queryKey: ["tasks"] })) {
    const pages = data === undefined ? [] : "pages" in data ? data.pages : [data];
    const found = pages.flatMap((page) => page.items).find((row) => isTask(row, id));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether an id means this task: its own, or its conversation's. */
export function isTask(task: Pick<Task, "id" | "conversation_id">, id: string): boolean {
  return task.id === id || task.conversation_id === id;
}

/** What happened during an outage was not heard. */
function useRereadAfterOutage(reread: () => void): void {
  const { state } = useLive();
  const wasAway = useRef(false);
  const latest = useEffectEvent(reread);
  useEffect(() => {
    if (state === "live" && wasAway.current) latest();
    if (state !== "connecting") wasAway.current = state !== "live";
  }, [state]);
}
