"use client";

import { useEffect, useEffectEvent, useSyncExternalStore } from "react";

const SEQUENCE_MS = 1200;
/** Where keys are somebody else's: fields, and dialogs that ask something first. */
const ELSEWHERE = "input, textarea, select, [contenteditable=true], [role=textbox], .mantine-Modal-content";

/** One shortcut: `keys` are pressed one after another, such as "l", "g m" or "?". */
export interface Hotkey {
  keys: string;
  label: string;
  group: string;
  run: () => void;
  /** Listed, but not to be used now. */
  disabled?: boolean;
}

let hotkeys: readonly Hotkey[] = [];
let pressed: string[] = [];
let pressedAt = 0;
const listeners = new Set<() => void>();

/** Makes a shortcut work, and listed under `?`, for as long as the component is there. The latest one wins. */
export function useHotkey(
  keys: string,
  label: string,
  group: string,
  run: () => void,
  disabled = false,
): void {
  const latest = useEffectEvent(run);
  useEffect(
    () =>
      register({
        keys,
        label,
        group,
        disabled,
        run: () => {
          latest();
        },
      }),
    [keys, label, group, disabled],
  );
}

/** All shortcuts that exist at the moment, for the list under `?`. */
export function useHotkeyList(): readonly Hotkey[] {
  return useSyncExternalStore(
    watch,
    () => hotkeys,
    () => hotkeys,
  );
}

/** Registers a shortcut outside of React. Returns what takes it away. */
export function register(hotkey: Hotkey): () => void {
  if (hotkeys.length === 0) document.addEventListener("keydown", onKeyDown);
  change([...hotkeys, hotkey]);
  return () => {
    change(hotkeys.filter((each) => each !== hotkey));
    if (hotkeys.length === 0) document.removeEventListener("keydown", onKeyDown);
  };
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
  if (event.target instanceof Element && event.target.closest(ELSEWHERE) !== null) return;
  if (event.key.length > 1 && event.key === "Shift") return;
  const fresh = event.timeStamp - pressedAt < SEQUENCE_MS;
  pressed = fresh ? [...pressed, event.key] : [event.key];
  pressedAt = event.timeStamp;
  const found = find(pressed.join(" ")) ?? find(event.key);
  if (found !== undefined) {
    pressed = [];
    event.preventDefault();
    found.run();
  }
}

function find(keys: string): Hotkey | undefined {
  return hotkeys.findLast((each) => each.keys === keys && each.disabled !== true);
}

function change(next: readonly Hotkey[]): void {
  hotkeys = next;
  for (const listener of listeners) listener();
}

function watch(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
