"use client";

import { useMutation, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { bodyOf, type Model, type NexusClient } from "@/lib/api/client";
import { useApi } from "@/lib/api/provider";
import { useMe } from "@/lib/me";
import type { Mapping } from "./boardModel";
import { DEFAULT_KEYWORD, DEFAULT_RULE } from "./rules";
import { applied, reverted, settled, type Write } from "./writes";

const TRACKER = "clickup";
const CHAT = "slack";
const MAPPINGS = ["mappings"] as const;
const LISTS = ["lists", TRACKER] as const;
const CHANNELS = ["channels", CHAT] as const;
/** Reading a whole workspace takes a vendor's time; who wants it fresh says so. */
const CATALOG_STALE_MS = 5 * 60_000;
/** Links that others make come to light after this long at most. */
const MAPPINGS_EVERY_MS = 30_000;
const PAGE_SIZE = 200;

/** Every link. */
export function useMappings() {
  const api = useApi();
  return useQuery({
    queryKey: MAPPINGS,
    queryFn: () => readMappings(api),
    refetchInterval: MAPPINGS_EVERY_MS,
  });
}

/** The lists of the tracker, as they were when Nexus read them last. */
export function useLists() {
  const api = useApi();
  return useQuery({ queryKey: LISTS, queryFn: () => readLists(api, false), staleTime: CATALOG_STALE_MS });
}

/** The channels of the chat, likewise. */
export function useChannels() {
  const api = useApi();
  return useQuery({
    queryKey: CHANNELS,
    queryFn: () => readChannels(api, false),
    staleTime: CATALOG_STALE_MS,
  });
}

export interface Refreshed {
  lists: number;
  channels: number;
}

/** Has Nexus read both anew at the vendors. Where one fails, what was read before stays, marked as out of date. */
export function useRefresh(onDone: (refreshed: Refreshed) => void, onFailed: (error: unknown) => void) {
  const api = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async () => {
      void queries.refetchQueries({ queryKey: MAPPINGS });
      const [lists, channels] = await Promise.allSettled([
        queries.query({ queryKey: LISTS, queryFn: () => readLists(api, true), staleTime: 0 }),
        queries.query({ queryKey: CHANNELS, queryFn: () => readChannels(api, true), staleTime: 0 }),
      ]);
      if (lists.status === "rejected") throw lists.reason;
      if (channels.status === "rejected") throw channels.reason;
      return { lists: lists.value.items.length, channels: channels.value.items.length };
    },
    onSuccess: onDone,
    onError: onFailed,
  });
}

/** How many addressed tasks wait for a channel, by list id: of the newest 200. */
export function useWaiting(): ReadonlyMap<string, number> {
  const api = useApi();
  const { data } = useQuery({
    queryKey: ["tasks", { mirror: "addressed, not mapped" }],
    queryFn: () =>
      bodyOf(
        api.GET("/v1/tasks", {
          params: { query: { mirror: "addressed, not mapped", limit: PAGE_SIZE } },
        }),
      ),
  });
  return useMemo(() => {
    const counts = new Map<string, number>();
    for (const { list_id, mirror } of data?.items ?? []) {
      if (mirror === "addressed, not mapped") counts.set(list_id, (counts.get(list_id) ?? 0) + 1);
    }
    return counts;
  }, [data]);
}

export interface Outcome {
  onDone: (write: Write, answer: Mapping | null) => void;
  onFailed: (write: Write, error: unknown) => void;
}

/** Links, moves, changes and unlinks: on the screen at once, taken back when Nexus refuses. */
export function useWrites({ onDone, onFailed }: Outcome) {
  const api = useApi();
  const queries = useQueryClient();
  const { data: me } = useMe();
  return useMutation({
    mutationKey: MAPPINGS,
    mutationFn: (write: Write) => send(api, write),
    onMutate: async (write) => {
      await queries.cancelQueries({ queryKey: MAPPINGS });
      change(queries, (mappings) => applied(mappings, write, me?.email ?? null, new Date().toISOString()));
    },
    onError: (error, write) => {
      change(queries, (mappings) => reverted(mappings, write));
      onFailed(write, error);
    },
    onSuccess: (answer, write) => {
      change(queries, (mappings) => settled(mappings, answer));
      onDone(write, answer);
    },
    onSettled: (_answer, _error, write) => {
      // While another one is under way, an answer would be without it.
      if (queries.isMutating({ mutationKey: MAPPINGS }) > 1) return;
      void queries.invalidateQueries({ queryKey: MAPPINGS });
      if (write.kind === "link") void queries.invalidateQueries({ queryKey: ["tasks"] });
    },
  });
}

async function send(api: NexusClient, write: Write): Promise<Mapping | null> {
  switch (write.kind) {
    case "link":
      return bodyOf(
        api.POST("/v1/mappings", {
          body: {
            list_id: write.list.id,
            channel_id: write.channel.id,
            sync_rule: write.rule ?? DEFAULT_RULE,
            sync_keyword: write.keyword ?? DEFAULT_KEYWORD,
          },
        }),
      );
    case "move":
      return bodyOf(
        api.PATCH("/v1/mappings/{mapping_id}", {
          params: { path: { mapping_id: write.mapping.id } },
          body: { channel_id: write.channel.id },
        }),
      );
    case "rule":
      return bodyOf(
        api.PATCH("/v1/mappings/{mapping_id}", {
          params: { path: { mapping_id: write.mapping.id } },
          body: { sync_rule: write.rule, sync_keyword: write.keyword },
        }),
      );
    case "unlink":
      await api.DELETE("/v1/mappings/{mapping_id}", { params: { path: { mapping_id: write.mapping.id } } });
      return null;
  }
}

async function readMappings(api: NexusClient): Promise<{ items: Mapping[] }> {
  const items: Mapping[] = [];
  let cursor: string | null | undefined;
  do {
    const page: Model<"Page_MappingResource_"> = await bodyOf(
      api.GET("/v1/mappings", { params: { query: { limit: PAGE_SIZE, cursor } } }),
    );
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return { items };
}

function readLists(api: NexusClient, refresh: boolean) {
  const query = refresh ? { refresh } : {};
  return bodyOf(api.GET("/v1/{vendor}/lists", { params: { path: { vendor: TRACKER }, query } }));
}

function readChannels(api: NexusClient, refresh: boolean) {
  const query = refresh ? { refresh } : {};
  return bodyOf(api.GET("/v1/{vendor}/channels", { params: { path: { vendor: CHAT }, query } }));
}

function change(queries: QueryClient, to: (mappings: readonly Mapping[]) => Mapping[]): void {
  queries.setQueryData<{ items: Mapping[] }>(MAPPINGS, (data) => data && { items: to(data.items) });
}
