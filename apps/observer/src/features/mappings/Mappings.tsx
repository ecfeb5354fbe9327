"use client";

import { EmptyState } from "@/ui/EmptyState";
import { Page } from "@/ui/Page";

export function Mappings() {
  return (
    <Page title="Mappings" purpose="Decide which Slack channel hears about each ClickUp list.">
      <EmptyState title="Nothing here yet" />
    </Page>
  );
}
