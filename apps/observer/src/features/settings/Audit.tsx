"use client";

import { EmptyState } from "@/ui/EmptyState";

export function Audit() {
  return <EmptyState title="Nothing here yet" />;
}
