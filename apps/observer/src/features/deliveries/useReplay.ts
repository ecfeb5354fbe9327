"use client";

import { useMutation, useQueryClient, type InfiniteData, type QueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { bodyOf, type Model } from "@/lib/api/client";
import { useApi } from "@/lib/api/provider";
import { toastDone, toastFailed } from "@/ui/toasts";
import { GROUPS_KEY, ROWS_KEY } from "./queries";
import { answered, asked, groupsAfter, refused, told, wishCount, type Replays, type Wish } from "./replays";
import { deadLetters, type Delivery, type Group } from "./words";

type Groups = { items: Group[]; next_cursor?: string | null };

/** Replays dead letters: shown at once, taken back when Nexus refuses, and each row keeps its result in sight. */
export function useReplay() {
  const api = useApi();
  const queries = useQueryClient();
  const [replays, setReplays] = useState<Replays>(new Map());
  const [seen, setSeen] = useState<Group[]>([]);

  const mutation = useMutation({
    mutationFn: (wish: Wish) => bodyOf(api.POST("/v1/deliveries/replay", { body: requestOf(wish) })),
    onMutate: async (wish) => {
      await queries.cancelQueries({ queryKey: GROUPS_KEY });
      const groups = queries.getQueryData<Groups>(GROUPS_KEY);
      setSeen((before) => remembered(before, groups?.items ?? []));
      setReplays((before) => asked(before, wish, Date.now()));
      queries.setQueryData<Groups>(
        GROUPS_KEY,
        (data) => data && { ...data, items: groupsAfter(data.items, wish) },
      );
      return { groups, before: replays };
    },
    onSuccess: (result, wish) => {
      setReplays((before) => answered(before, result.items, wish, Date.now()));
      toastDone(told(result));
    },
    onError: (error, wish, kept) => {
      if (kept !== undefined) {
        queries.setQueryData(GROUPS_KEY, kept.groups);
        setReplays((now) => refused(now, kept.before, wish));
      }
      toastFailed(`Could not replay ${deadLetters(wishCount(wish))}`, error, () => {
        mutation.mutate(wish);
      });
    },
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ["deliveries"] });
      void queries.invalidateQueries({ queryKey: ["overview"] });
    },
  });

  return {
    replay: (rows: Delivery[]) => {
      mutation.mutate({ what: "rows", rows });
    },
    replayCause: (group: Group) => {
      const rows = loadedRows(queries).filter(({ fingerprint }) => fingerprint === group.fingerprint);
      mutation.mutate({ what: "cause", group, rows });
    },
    replayAll: (count: number) => {
      mutation.mutate({ what: "all", count, rows: loadedRows(queries) });
    },
    /** What is being asked for just now. */
    pending: mutation.isPending ? mutation.variables : null,
    replays,
    /** The causes that were there at a replay, in their places. */
    seen,
  };
}

function requestOf(wish: Wish): Model<"ReplayRequest"> {
  switch (wish.what) {
    case "rows":
      return { ids: wish.rows.map(({ id }) => id), all: false };
    case "cause":
      return { fingerprint: wish.group.fingerprint, ids: [], all: false };
    case "all":
      return { all: true, ids: [] };
  }
}

/** The rows that are on the screen, or were: they show what becomes of them. Of the others the counts tell. */
function loadedRows(queries: QueryClient): Delivery[] {
  const rows = queries
    .getQueriesData<InfiniteData<Model<"Page_DeliveryResource_">>>({ queryKey: ROWS_KEY })
    .flatMap(([, data]) => data?.pages.flatMap(({ items }) => items) ?? []);
  return [...new Map(rows.map((row) => [row.id, row])).values()];
}

/** New causes come after those that have a place already. */
function remembered(before: Group[], groups: Group[]): Group[] {
  const now = new Map(groups.map((group) => [group.fingerprint, group]));
  const known = new Set(before.map(({ fingerprint }) => fingerprint));
  return [
    ...before.map((group) => now.get(group.fingerprint) ?? group),
    ...groups.filter(({ fingerprint }) => !known.has(fingerprint)),
  ];
}
