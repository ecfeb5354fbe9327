"use client";

import { EmptyState } from "@/ui/EmptyState";
import { Page } from "@/ui/Page";

export function DeadLetters() {
  return (
    <Page title="Dead letters" purpose="What could not be delivered, by reason.">
      <EmptyState title="Nothing here yet" />
    </Page>
  );
}
