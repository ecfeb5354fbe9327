"use client";

import { Kbd } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { Spotlight, spotlight } from "@mantine/spotlight";
import "@mantine/spotlight/styles.layer.css";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { IconBolt, IconListDetails, IconRobot, IconSearch } from "@tabler/icons-react";
import type { Route } from "next";
import { useRouter } from "next/navigation";
import { useState, type KeyboardEvent, type ReactNode } from "react";
import { bodyOf } from "@/lib/api/client";
import { useApi } from "@/lib/api/provider";
import { usePaletteActions } from "@/lib/palette";
import { DESTINATIONS } from "./navigation";
import classes from "./Palette.module.css";
import { stateLook, taskLook } from "./states";

const DEBOUNCE_MS = 200;
const MAX_FOUND = 8;

interface Entry {
  id: string;
  label: string;
  description?: string | undefined;
  icon: ReactNode;
  hint?: ReactNode;
  run: () => void;
}

/** Opens the palette; one that is not there yet opens when it comes. */
export const openPalette = spotlight.open;

/** ⌘K: pages, what the open page can do, agents by name, tasks by id or title. */
export function Palette() {
  const [query, setQuery] = useState("");
  const [asked] = useDebouncedValue(query.trim(), DEBOUNCE_MS);
  const groups = useEntries(query.trim().toLowerCase(), asked);
  return (
    <Spotlight.Root
      query={query}
      onQueryChange={setQuery}
      shortcut="mod+K"
      tagsToIgnore={[]}
      scrollable
      maxHeight={420}
      centered={false}
      yOffset="14vh"
      overlayProps={{ blur: 0, backgroundOpacity: 0.5 }}
      classNames={classes}
    >
      <Spotlight.Search
        placeholder="Search or jump to…"
        aria-label="Search or jump to"
        leftSection={<IconSearch size={16} />}
        onKeyDown={runFirst}
      />
      <Spotlight.ActionsList data-palette>
        {groups.map(({ label, entries }) => (
          <Spotlight.ActionsGroup key={label} label={label}>
            {entries.map(({ id, run, icon, hint, ...words }) => (
              <Spotlight.Action key={id} {...words} leftSection={icon} rightSection={hint} onClick={run} />
            ))}
          </Spotlight.ActionsGroup>
        ))}
        {groups.length === 0 && <Spotlight.Empty>Nothing matches “{query}”</Spotlight.Empty>}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}

/** Enter runs the first entry when none was chosen: Spotlight chooses none while results still arrive. */
function runFirst(event: KeyboardEvent): void {
  if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
  const list = document.querySelector("[data-palette]");
  if (list?.querySelector("[data-selected]") === null)
    list.querySelector<HTMLElement>("[data-action]")?.click();
}

function useEntries(query: string, asked: string): { label: string; entries: Entry[] }[] {
  const api = useApi();
  const router = useRouter();
  const actions = usePaletteActions();
  const agents = useQuery({
    queryKey: ["palette", "agents"],
    queryFn: () => bodyOf(api.GET("/v1/agents", { params: { query: { limit: 200 } } })),
    enabled: query !== "",
    staleTime: 30_000,
  });
  const tasks = useQuery({
    queryKey: ["palette", "tasks", asked],
    queryFn: () => bodyOf(api.GET("/v1/tasks", { params: { query: { q: asked, limit: MAX_FOUND } } })),
    enabled: asked.length > 1,
    placeholderData: keepPreviousData,
  });
  const go = (path: string) => () => {
    router.push(path as Route);
  };
  const matches = (text: string) => text.toLowerCase().includes(query);

  const groups: { label: string; entries: Entry[] }[] = [
    {
      label: "Actions",
      entries: actions
        .filter(({ label }) => matches(label))
        .map((action) => ({ ...action, icon: <IconBolt size={16} /> })),
    },
    {
      label: "Pages",
      entries: DESTINATIONS.filter(({ label }) => matches(label)).map(({ href, label, icon: Icon, key }) => ({
        id: href,
        label,
        icon: <Icon size={16} />,
        hint: <Kbd>g {key}</Kbd>,
        run: go(href),
      })),
    },
    {
      label: "Agents",
      entries: (query === "" ? [] : (agents.data?.items ?? []))
        .filter(({ name }) => matches(name))
        .slice(0, MAX_FOUND)
        .map(({ id, name, online }) => ({
          id,
          label: name,
          description: stateLook(online ? "online" : "offline").label,
          icon: <IconRobot size={16} />,
          run: go(`/agents?agent=${encodeURIComponent(name)}`),
        })),
    },
    {
      label: "Tasks",
      entries: (asked.length > 1 ? (tasks.data?.items ?? []) : []).map(({ id, title, state, list_name }) => ({
        id,
        label: title,
        description: [taskLook(state).label, list_name].filter(Boolean).join(" · "),
        icon: <IconListDetails size={16} />,
        run: go(`/tasks?task=${encodeURIComponent(id)}`),
      })),
    },
  ];
  return groups.filter(({ entries }) => entries.length > 0);
}
