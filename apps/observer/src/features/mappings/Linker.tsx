"use client";

import { useMediaQuery } from "@mantine/hooks";
import { useDeferredValue, useMemo, useRef, useState } from "react";
import { usePaletteAction } from "@/lib/palette";
import { Page } from "@/ui/Page";
import { lazily } from "@/ui/lazily";
import { toastFailed } from "@/ui/toasts";
import { counted } from "@/ui/words";
import { boardOf, linkedChannels, linkedLists, matches, type Mapping } from "./boardModel";
import { Board } from "./Board";
import type { ColumnHandle } from "./Column";
import { ChannelFrame, ListFrame } from "./Frames";
import { Header } from "./Header";
import { channelItems, listItems } from "./layout";
import { LinkBar } from "./LinkBar";
import { useChannels, useLists, useRefresh, useWaiting } from "./queries";
import { troubleTone } from "./trouble";
import { useMapper, useMappingsUrl } from "./useMapper";

const Review = lazily(() => import("./Review").then((file) => file.Review));
const RuleEditor = lazily(() => import("./RuleEditor").then((file) => file.RuleEditor));
const Narrow = lazily(() => import("./Narrow").then((file) => file.Narrow));

/** Mantine's `sm`: below it there is no room for two columns. */
const NARROW = "(max-width: 48em)";

/** The links, and everything that can be done with them. */
export function Linker({
  page,
  mappings,
}: {
  page: { title: string; purpose: string };
  mappings: readonly Mapping[];
}) {
  const [url, setUrl] = useMappingsUrl();
  const lists = useLists();
  const channels = useChannels();
  const waiting = useWaiting();
  const isNarrow = useMediaQuery(NARROW, false);
  const [dialog, setDialog] = useState<"review" | "rule" | null>(null);
  const listColumn = useRef<ColumnHandle>(null);

  const board = useMemo(
    () =>
      boardOf({
        lists: lists.data?.items ?? (lists.isError ? linkedLists(mappings) : undefined),
        channels: channels.data?.items ?? (channels.isError ? linkedChannels(mappings) : undefined),
        mappings,
        waiting,
      }),
    [lists.data, lists.isError, channels.data, channels.isError, mappings, waiting],
  );
  const areKeysOff = dialog !== null;
  const mapper = useMapper(board, {
    // In a sheet, the way back to the list shows what became of it.
    advances: !isNarrow,
    areKeysOff,
    onNext: (id) => {
      // Whoever works with the keyboard stays on the board; whoever clicks Link stays on Link.
      const isOnBoard =
        document.activeElement === document.body || document.activeElement?.closest("[data-row]");
      listColumn.current?.reveal(id, { focus: Boolean(isOnBoard) });
    },
  });

  const filter = useDeferredValue(url.channels);
  const items = useMemo(() => listItems(mapper.lists), [mapper.lists]);
  const shownChannels = useMemo(
    () => channelItems(board.channels.filter(({ name }) => matches(filter, name))),
    [board.channels, filter],
  );
  const isBad = board.lists.some(({ trouble }) => trouble !== null && troubleTone(trouble) === "failed");
  const suggestions = board.lists.filter(({ suggestion }) => suggestion !== null).length;

  const refresh = useRefresh(
    (read) => {
      mapper.say(`Refreshed: ${counted(read.lists, "list")}, ${counted(read.channels, "channel")}.`);
    },
    (error) => {
      toastFailed("Not everything could be read anew", error, readAnew);
    },
  );
  function readAnew(): void {
    refresh.mutate();
  }
  usePaletteAction(
    "mappings-refresh",
    "Refresh lists and channels",
    readAnew,
    "Reads ClickUp and Slack anew",
  );

  const { pair } = mapper;
  const linked = pair.kind === "linked" || pair.kind === "move" ? pair.mapping : null;
  const bar = {
    pair,
    onAct: mapper.act,
    onUnlink: mapper.unlink,
    onEditRule: () => {
      setDialog("rule");
    },
    areKeysOff,
  };
  return (
    <Page
      {...page}
      fill
      actions={
        <Header
          tab={url.tab}
          counts={board.counts}
          onTab={(tab) => void setUrl({ tab })}
          suggestions={suggestions}
          onReview={() => {
            setDialog("review");
          }}
          onRefresh={readAnew}
          isRefreshing={refresh.isPending}
          trouble={isBad ? "failed" : "waiting"}
        />
      }
      footer={isNarrow || board.counts.all === 0 ? undefined : <LinkBar {...bar} />}
    >
      {isNarrow ? (
        <Narrow
          lists={items}
          channels={shownChannels}
          mapper={mapper}
          catalogs={{ lists, channels }}
          board={board}
          bar={{ ...bar, areKeysOff: true }}
        />
      ) : (
        <Board
          lists={items}
          channels={shownChannels}
          mapper={mapper}
          listColumn={listColumn}
          areKeysOff={areKeysOff}
          frameLists={(column) => (
            <ListFrame catalog={lists} shown={mapper.lists.length} counts={board.counts}>
              {column}
            </ListFrame>
          )}
          frameChannels={(column) => (
            <ChannelFrame catalog={channels} channels={board.channels} shown={shownChannels.length}>
              {column}
            </ChannelFrame>
          )}
        />
      )}
      <div role="status" aria-live="polite" className="visually-hidden">
        {mapper.said}
      </div>
      <Review
        opened={dialog === "review"}
        onClose={() => {
          setDialog(null);
        }}
        lists={board.lists}
      />
      <RuleEditor
        mapping={dialog === "rule" ? linked : null}
        onClose={() => {
          setDialog(null);
        }}
        onSave={(mapping, rule, keyword) => {
          setDialog(null);
          mapper.write({ kind: "rule", mapping, rule, keyword });
        }}
      />
    </Page>
  );
}
