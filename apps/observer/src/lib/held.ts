"use client";

import { useState } from "react";

/** The latest value that was not null: what a drawer goes on showing while it closes. */
export function useHeld<T>(value: T | null): T | null {
  const [held, setHeld] = useState(value);
  if (value !== null && value !== held) setHeld(value);
  return value ?? held;
}
