"use client";

import { EmptyState } from "@/ui/EmptyState";

export function Connections() {
  return <EmptyState title="Nothing here yet" />;
}
