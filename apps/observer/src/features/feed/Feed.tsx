"use client";

import { EmptyState } from "@/ui/EmptyState";
import { Page } from "@/ui/Page";

export function Feed() {
  return (
    <Page title="Live feed" purpose="Everything that happens, as it happens.">
      <EmptyState title="Nothing here yet" />
    </Page>
  );
}
