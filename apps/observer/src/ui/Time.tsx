"use client";

import { Tooltip } from "@mantine/core";
import { useNow } from "@/lib/clock";
import { exact, relative } from "@/lib/time";

/** A moment as people say it; exactly, here and in UTC, on hover and focus. `at` is ISO 8601; null shows "never". */
export function Time({ at, never = "never" }: { at: string | null | undefined; never?: string }) {
  const now = useNow();
  if (!at) return <span>{never}</span>;
  const ms = Date.parse(at);
  // Until the page is alive the server's words would be of another time zone and another second.
  const words = now === 0 ? at.slice(0, 10) : relative(ms, now);
  return (
    <Tooltip label={now === 0 ? at : exact(ms)}>
      <time dateTime={at}>{words}</time>
    </Tooltip>
  );
}
