"use client";

import { Button } from "@mantine/core";
import { Time } from "./Time";

export interface SyncedProps {
  /** When what is shown was read, ISO 8601. */
  at: string | null | undefined;
  /** Reading it anew failed: what is shown is old. */
  failed?: boolean;
  onRetry?: () => void;
  /** What happened then: "synced", "checked", … */
  word?: string;
}

/** How old the data is; says so when it could not be read anew. */
export function Synced({ at, failed = false, onRetry, word = "synced" }: SyncedProps) {
  return (
    <span style={{ color: failed ? "var(--obs-waiting)" : undefined, whiteSpace: "nowrap" }}>
      {failed && "Out of date · "}
      {word} <Time at={at} />
      {failed && onRetry !== undefined && (
        <Button variant="transparent" size="compact-xs" onClick={onRetry}>
          Retry
        </Button>
      )}
    </span>
  );
}
