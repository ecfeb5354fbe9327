"use client";

import { EmptyState } from "@/ui/EmptyState";
import { Page } from "@/ui/Page";

export function Welcome() {
  return (
    <Page title="Welcome" purpose="From nothing to the first task in your channel.">
      <EmptyState title="Nothing here yet" />
    </Page>
  );
}
