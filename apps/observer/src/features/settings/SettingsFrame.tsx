"use client";

import type { ReactNode } from "react";
import { LinkTabs } from "@/ui/LinkTabs";
import { Page } from "@/ui/Page";

const TABS = [
  { href: "/settings/connections", label: "Connections" },
  { href: "/settings/aliases", label: "Aliases & squads" },
  { href: "/settings/people", label: "People" },
  { href: "/settings/keys", label: "API keys" },
  { href: "/settings/audit", label: "Audit log" },
] as const;

/** The title and the tabs around each page of the settings, which scroll inside of themselves. */
export function SettingsFrame({ children }: { children: ReactNode }) {
  return (
    <Page
      title="Settings"
      purpose="Workspaces, names, people and keys."
      tabs={<LinkTabs label="Settings" tabs={TABS} />}
      fill
    >
      {children}
    </Page>
  );
}
