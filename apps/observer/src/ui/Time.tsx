"use client";

import { Tooltip } from "@mantine/core";
import { useState } from "react";
import { useClock } from "@/lib/clock";
import { exact, relative } from "@/lib/time";

/** A moment as people say it; exactly, here and in UTC, on hover and focus. `at` is ISO 8601; null shows "never". */
export function Time({ at, never = "never" }: { at: string | null | undefined; never?: string }) {
  if (!at) return <span>{never}</span>;
  return <Moment at={at} />;
}

function Moment({ at }: { at: string }) {
  const ms = Date.parse(at);
  // Until the page is alive the server's words would be of another time zone and another second.
  const words = useClock((now) => (now === 0 ? at.slice(0, 10) : relative(ms, now)));
  // A tooltip costs more than the rest of a row, and most are never asked for.
  const [isAsked, setAsked] = useState(false);
  const ask = () => {
    setAsked(true);
  };
  const time = (
    <time dateTime={at} onPointerEnter={ask} onFocus={ask}>
      {words}
    </time>
  );
  return isAsked ? <Tooltip label={exact(ms)}>{time}</Tooltip> : time;
}
