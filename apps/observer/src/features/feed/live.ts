"use client";

import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useFeed, useLive } from "@/lib/live/provider";
import { isNarrower, sentFilters, type FeedParams } from "./filters";
import { FeedStore, type FeedSnapshot } from "./store";

const TAIL_LINES = 500;

export interface LiveFeed {
  store: FeedStore;
  snapshot: FeedSnapshot;
  /** Why Nexus did not accept the filters; null when it did. */
  refusal: string | null;
}

/** Follows the feed with these filters into a store of its own, over every reconnect. */
export function useLiveFeed(params: FeedParams): LiveFeed {
  const [store] = useState(() => new FeedStore());
  const [refusal, setRefusal] = useState<{ wanted: string; reason: string } | null>(null);
  const { state } = useLive();
  const wanted = JSON.stringify(sentFilters(params));
  const filters = useMemo(() => sentFilters(params), [params]);

  useFeed({
    filters,
    tail: TAIL_LINES,
    onLines: (lines) => {
      store.receive(lines);
    },
    onBegun: () => {
      store.begun();
    },
    onTruncated: () => {
      store.truncated();
    },
    onRefused: (reason) => {
      setRefusal({ wanted, reason });
    },
  });

  const previous = useRef(filters);
  useEffect(() => {
    if (previous.current !== filters) store.expect(isNarrower(previous.current, filters));
    previous.current = filters;
  }, [store, filters]);

  useEffect(() => {
    if (state !== "live") store.interrupted();
  }, [store, state]);

  const snapshot = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
  return { store, snapshot, refusal: refusal?.wanted === wanted ? refusal.reason : null };
}
