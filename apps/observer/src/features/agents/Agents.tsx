"use client";

import { EmptyState } from "@/ui/EmptyState";
import { Page } from "@/ui/Page";

export function Agents() {
  return (
    <Page title="Agents" purpose="Who works for you, and what they do now.">
      <EmptyState title="Nothing here yet" />
    </Page>
  );
}
