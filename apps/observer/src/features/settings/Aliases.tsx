"use client";

import { EmptyState } from "@/ui/EmptyState";

export function Aliases() {
  return <EmptyState title="Nothing here yet" />;
}
