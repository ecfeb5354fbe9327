"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { useLiveEvent } from "@/lib/live/provider";

/** Reads the dead letters anew when their number changes. */
export function useDeadLettersLive(): void {
  const queries = useQueryClient();
  const last = useRef<number | null>(null);
  useLiveEvent("stats", ({ dead }) => {
    const before = last.current;
    last.current = dead;
    if (before !== null && before !== dead) void queries.invalidateQueries({ queryKey: ["deliveries"] });
  });
}
