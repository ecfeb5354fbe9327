"use client";

import { Button } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { Model } from "@/lib/api/client";
import { Command } from "@/ui/Command";
import { EmptyState } from "@/ui/EmptyState";
import { FilterInput } from "@/ui/FilterInput";
import { Panel } from "@/ui/Panel";
import { Synced } from "@/ui/Synced";
import { ToolIcon } from "@/ui/ToolIcon";
import { counted, number } from "@/ui/words";
import type { Board, ChannelRow } from "./boardModel";
import { CatalogContent } from "./CatalogContent";
import { INVITE } from "./layout";
import { useMappingsUrl } from "./useMapper";

type Catalog<Name extends "ListCatalog" | "ChannelCatalog"> = UseQueryResult<Model<Name>>;

export interface ListFrameProps {
  catalog: Catalog<"ListCatalog">;
  /** How many lists the tab and the filter leave. */
  shown: number;
  counts: Board["counts"];
  children: ReactNode;
}

/** What is around the lists: title, age, filter; and what stands there when there are none to show. */
export function ListFrame({ catalog, shown, counts, children }: ListFrameProps) {
  const [url, setUrl] = useMappingsUrl();
  const clear = () => void setUrl({ lists: "", tab: "all" });
  return (
    <Panel
      title="ClickUp lists"
      icon={<ToolIcon tool="clickup" />}
      aside={<Age catalog={catalog} />}
      toolbar={
        <FilterInput
          label="Filter lists"
          value={url.lists}
          onChange={(value) => void setUrl({ lists: value === "" ? null : value })}
        />
      }
      fill
      flush
    >
      <CatalogContent catalog={catalog} tool="ClickUp" what="lists" known={counts.all}>
        {shown > 0 ? (
          children
        ) : counts.all === 0 ? (
          <EmptyState title="ClickUp has no lists that Oblivion can see">
            Lists appear here once they exist, in spaces that the connection’s account may see. Then press
            Refresh.
          </EmptyState>
        ) : url.lists === "" && url.tab !== "all" ? (
          <EmptyState title={NONE_IN_TAB[url.tab]} action={<Button onClick={clear}>Show all lists</Button>} />
        ) : (
          <EmptyState title="No list matches" action={<Button onClick={clear}>Clear filters</Button>} />
        )}
      </CatalogContent>
    </Panel>
  );
}

const NONE_IN_TAB = {
  unlinked: "Every list is linked",
  linked: "No list is linked yet",
  trouble: "Nothing needs attention",
} as const;

export interface ChannelFrameProps {
  catalog: Catalog<"ChannelCatalog">;
  channels: readonly ChannelRow[];
  /** How many items the filter leaves. */
  shown: number;
  children: ReactNode;
}

/** What is around the channels, likewise. */
export function ChannelFrame({ catalog, channels, shown, children }: ChannelFrameProps) {
  const members = channels.filter(({ isMember }) => isMember).length;
  return (
    <Panel
      title="Slack channels"
      icon={<ToolIcon tool="slack" />}
      aside={
        <>
          {catalog.data !== undefined && (
            <span>
              Oblivion is in {number(members)} of {number(catalog.data.items.length)}
            </span>
          )}
          <Age catalog={catalog} />
        </>
      }
      toolbar={<ChannelFilter hotkey="c" />}
      fill
      flush
    >
      <ChannelContent catalog={catalog} channels={channels} shown={shown}>
        {children}
      </ChannelContent>
    </Panel>
  );
}

export function ChannelFilter({ hotkey }: { hotkey: string | null }) {
  const [url, setUrl] = useMappingsUrl();
  return (
    <FilterInput
      label="Filter channels"
      hotkey={hotkey}
      value={url.channels}
      onChange={(value) => void setUrl({ channels: value === "" ? null : value })}
    />
  );
}

/** The channels, or what stands in their place. */
export function ChannelContent({ catalog, channels, shown, children }: ChannelFrameProps) {
  const [, setUrl] = useMappingsUrl();
  return (
    <CatalogContent catalog={catalog} tool="Slack" what="channels" known={channels.length}>
      {shown > 0 ? (
        children
      ) : channels.length === 0 ? (
        <EmptyState title="Slack has no channels that Oblivion can see" action={<Command>{INVITE}</Command>}>
          Write this in the channel that should hear about tasks, then press Refresh.
        </EmptyState>
      ) : (
        <EmptyState
          title="No channel matches"
          action={<Button onClick={() => void setUrl({ channels: null })}>Clear filter</Button>}
        >
          A private channel is only listed once Oblivion is in it: write {INVITE} there, then press Refresh.
        </EmptyState>
      )}
    </CatalogContent>
  );
}

function Age({ catalog }: { catalog: Catalog<"ListCatalog"> | Catalog<"ChannelCatalog"> }) {
  if (catalog.data === undefined) return null;
  const { synced_at, items } = catalog.data;
  return (
    <>
      <span className="visually-hidden">{counted(items.length, "entry", "entries")},</span>
      <Synced at={synced_at} failed={catalog.isError} onRetry={() => void catalog.refetch()} />
    </>
  );
}
