"use client";

import { useNow } from "@/lib/clock";
import { duration } from "@/lib/time";

/** How long something took, in milliseconds, or has been going on `since` a moment. "–" when it is not known. */
export function Duration({ ms, since }: { ms?: number | null; since?: string | null }) {
  const now = useNow();
  const length = since ? (now === 0 ? null : now - Date.parse(since)) : ms;
  return <span className="tabular">{length === null || length === undefined ? "–" : duration(length)}</span>;
}
