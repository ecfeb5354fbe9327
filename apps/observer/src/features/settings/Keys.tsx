"use client";

import { EmptyState } from "@/ui/EmptyState";

export function Keys() {
  return <EmptyState title="Nothing here yet" />;
}
