import { useSyncExternalStore } from "react";
import { NOT_MEMBER, SIGNED_OUT, type ApiError } from "./problem";

/** What a banner over the whole page must say, if anything. */
export type Health = "well" | "away" | "signed_out" | "not_member";

let health: Health = "well";
let reason = "";
const listeners = new Set<() => void>();

/** Takes the outcome of a call: null for a good one. Refusals of a single call change nothing. */
export function noteOutcome(error: ApiError | null): void {
  const next = healthAfter(error);
  if (next === null || next === health) return;
  health = next;
  reason = error?.message ?? "";
  for (const listener of listeners) listener();
}

/** How Observer stands with Nexus, by the latest call that told. */
export function useHealth(): { health: Health; reason: string } {
  const current = useSyncExternalStore(
    subscribe,
    () => health,
    () => "well" as const,
  );
  return { health: current, reason };
}

function healthAfter(error: ApiError | null): Health | null {
  if (error === null) return "well";
  if (error.code === SIGNED_OUT) return "signed_out";
  if (error.code === NOT_MEMBER) return "not_member";
  return error.isAway ? "away" : null;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
