import { useSyncExternalStore, type ReactNode } from "react";

/** A question before something that cannot be undone. */
export interface Confirmation {
  /** A question that names the object: "Unlink Backend sprint 42?" */
  title: string;
  /** What will happen, and what will not. */
  children: ReactNode;
  /** The words of the button that does it: "Unlink Backend sprint 42". */
  confirm: string;
  /** Whether it takes something away. */
  isDestructive?: boolean;
  onConfirm: () => void;
}

let asked: Confirmation | null = null;
const listeners = new Set<() => void>();

/** Asks before something that cannot be undone. */
export function confirmFirst(confirmation: Confirmation): void {
  change(confirmation);
}

/** The question has been answered, or turned away from. */
export function closeConfirmation(): void {
  change(null);
}

/** What is being asked. */
export function useConfirmation(): Confirmation | null {
  return useSyncExternalStore(
    watch,
    () => asked,
    () => null,
  );
}

function change(next: Confirmation | null): void {
  asked = next;
  for (const listener of listeners) listener();
}

function watch(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
