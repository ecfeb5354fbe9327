"use client";

import { useEffect, useEffectEvent, useSyncExternalStore } from "react";

/** Something that the command palette can do on the page that is open. */
export interface PaletteAction {
  id: string;
  label: string;
  description?: string;
  run: () => void;
}

let actions: readonly PaletteAction[] = [];
const listeners = new Set<() => void>();

/** Offers an action in the command palette for as long as the component is there. */
export function usePaletteAction(id: string, label: string, run: () => void, description?: string): void {
  const latest = useEffectEvent(run);
  useEffect(() => {
    const action: PaletteAction = {
      id,
      label,
      description,
      run: () => {
        latest();
      },
    };
    change([...actions, action]);
    return () => {
      change(actions.filter((each) => each !== action));
    };
  }, [id, label, description]);
}

/** The actions of the open page. */
export function usePaletteActions(): readonly PaletteAction[] {
  return useSyncExternalStore(
    watch,
    () => actions,
    () => actions,
  );
}

function change(next: readonly PaletteAction[]): void {
  actions = next;
  for (const listener of listeners) listener();
}

function watch(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
