"use client";

import { EmptyState } from "@/ui/EmptyState";

export function People() {
  return <EmptyState title="Nothing here yet" />;
}
