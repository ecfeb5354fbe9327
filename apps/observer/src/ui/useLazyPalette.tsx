"use client";

import { useHotkeys } from "@mantine/hooks";
import { useCallback, useEffect, useState, type ReactNode } from "react";

const load = () => import("./Palette");
type Loaded = Awaited<ReturnType<typeof load>>;

/** The command palette, loaded when the page has come to rest, or when somebody asks for it before. */
export function useLazyPalette(): { open: () => void; palette: ReactNode } {
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const open = useCallback(() => {
    void load().then((palette) => {
      setLoaded(palette);
      palette.openPalette();
    });
  }, []);
  useEffect(
    () =>
      whenAtRest(() => {
        // Without it for now: it is asked for again when somebody wants it.
        load().then(setLoaded, () => undefined);
      }),
    [],
  );
  useHotkeys(loaded === null ? [["mod+K", open]] : [], []);
  return { open, palette: loaded && <loaded.Palette /> };
}

/** Calls back once, when the browser has nothing better to do. Returns what forgets about it. */
function whenAtRest(callback: () => void): () => void {
  // Safari has no idle callbacks.
  if (typeof requestIdleCallback === "undefined") {
    const timer = setTimeout(callback, 1000);
    return () => {
      clearTimeout(timer);
    };
  }
  const handle = requestIdleCallback(callback, { timeout: 5000 });
  return () => {
    cancelIdleCallback(handle);
  };
}
