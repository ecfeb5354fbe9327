"use client";

import { useSyncExternalStore } from "react";

const TICK_MS = 1000;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let now = 0;

/** The time in milliseconds, to the second; 0 on the server and until the page is alive. One timer for the page. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, current, () => 0);
}

/** What `words` says of the time: draws anew when it says something else, not every second. */
export function useClock(words: (now: number) => string): string {
  return useSyncExternalStore(
    subscribe,
    () => words(current()),
    () => words(0),
  );
}

function current(): number {
  if (now === 0) now = Date.now();
  return now;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  now = Date.now();
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}
