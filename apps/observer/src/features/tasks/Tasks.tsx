"use client";

import { EmptyState } from "@/ui/EmptyState";
import { Page } from "@/ui/Page";

export function Tasks() {
  return (
    <Page title="Tasks" purpose="What was asked of your agents, and what became of it.">
      <EmptyState title="Nothing here yet" />
    </Page>
  );
}
