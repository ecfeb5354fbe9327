"use client";

import { EmptyState } from "@/ui/EmptyState";
import { Page } from "@/ui/Page";

export function Overview() {
  return (
    <Page title="Overview" purpose="Does everything get through?">
      <EmptyState title="Nothing here yet" />
    </Page>
  );
}
