"use client";

import {
  useCallback,
  useEffect,
  useEffectEvent,
  useMemo,
  useRef,
  useState,
  type ReactNode,
  type Ref,
} from "react";
import { useHotkey } from "@/lib/keys";
import { usePermission } from "@/lib/me";
import classes from "./Board.module.css";
import type { ChannelRow, ListRow } from "./boardModel";
import { Column, type ColumnHandle } from "./Column";
import { Invitation } from "./Invitation";
import { centresOf, WIDE, type Item } from "./layout";
import { Lines } from "./Lines";
import { endsOf, linesOf, type Lit } from "./lineModel";
import { channelOfPair, listOfPair } from "./pairing";
import { ChannelRowView, ListRowView, type LitBy } from "./Rows";
import { useDrag } from "./useDrag";
import type { Mapper } from "./useMapper";

export interface BoardProps {
  lists: readonly Item<ListRow>[];
  channels: readonly Item<ChannelRow>[];
  mapper: Mapper;
  listColumn: Ref<ColumnHandle> & { current: ColumnHandle | null };
  /** A dialog is open: keys are for that one. */
  areKeysOff: boolean;
  /** What is around a column: title, filter, and what stands there when nothing can be listed. */
  frameLists: (column: ReactNode) => ReactNode;
  frameChannels: (column: ReactNode) => ReactNode;
}

/** The two columns and the lines between them. */
export function Board(props: BoardProps) {
  const { lists, channels, mapper, listColumn, areKeysOff, frameLists, frameChannels } = props;
  const [frame, setFrame] = useState<HTMLElement | null>(null);
  const [listScroller, setListScroller] = useState<HTMLElement | null>(null);
  const [channelScroller, setChannelScroller] = useState<HTMLElement | null>(null);
  const channelColumn = useRef<ColumnHandle>(null);
  const [lights, setLights] = useState<Record<LitBy, Lit | null>>({ pointer: null, focus: null });
  const lit = lights.pointer ?? lights.focus;
  const { allowed } = usePermission("operate");
  const { drag, begin } = useDrag(channelScroller, mapper.connect);

  const lightList = useLight("list", setLights);
  const lightChannel = useLight("channel", setLights);
  const { pair } = mapper;
  const chosenList = listOfPair(pair)?.id ?? null;
  const chosenChannel = channelOfPair(pair)?.id ?? null;
  const suggested = pair.kind === "link" && pair.isSuggested ? pair.channel.id : null;

  const rows = useMemo(() => lists.flatMap((item) => (item.kind === "row" ? [item.row] : [])), [lists]);
  const lines = useMemo(() => linesOf(rows, pair, lit), [rows, pair, lit]);
  const litEnds = useMemo(() => endsOf(lines, lit), [lines, lit]);
  const listCentres = useMemo(() => centresOf(lists, WIDE), [lists]);
  const channelCentres = useMemo(() => centresOf(channels, WIDE), [channels]);

  function walk(step: number): void {
    const inChannels = channelScroller?.contains(document.activeElement) === true;
    (inChannels ? channelColumn : listColumn).current?.step(step);
  }
  useHotkey(
    "j",
    "Next row",
    "This page",
    () => {
      walk(1);
    },
    areKeysOff,
  );
  useHotkey(
    "k",
    "Previous row",
    "This page",
    () => {
      walk(-1);
    },
    areKeysOff,
  );

  /** Shows the other end of what was chosen. */
  function showChannelOf(list: ListRow | undefined): void {
    const id = list?.mapping?.channel_id ?? list?.suggestion?.channelId;
    if (id !== undefined) channelColumn.current?.reveal(id, { smooth: true });
  }

  // What the URL names is in sight when the page opens; a frame later, as the columns measure themselves first.
  const opened = useRef(false);
  const areThere = rows.length > 0 && channels.length > 0;
  const showOpened = useEffectEvent(() => {
    if (opened.current) return;
    opened.current = true;
    if (chosenList === null) return;
    listColumn.current?.reveal(chosenList);
    showChannelOf(rows.find((row) => row.id === chosenList));
  });
  useEffect(() => {
    if (!areThere) return;
    const frame = requestAnimationFrame(() => {
      showOpened();
    });
    return () => {
      cancelAnimationFrame(frame);
    };
  }, [areThere]);

  const listsColumn = (
    <Column
      label="ClickUp lists"
      items={lists}
      heights={WIDE}
      handle={listColumn}
      onScroller={setListScroller}
      dots="right"
      renderRow={(list, tabIndex) => (
        <ListRowView
          list={list}
          tabIndex={tabIndex}
          isChosen={list.id === chosenList}
          isLit={litEnds.has(list.id)}
          isDragged={drag?.listId === list.id}
          onChoose={(id) => {
            mapper.chooseList(id);
            if (id !== chosenList) showChannelOf(list);
          }}
          onLight={lightList}
          onDrag={allowed ? begin : undefined}
        />
      )}
      onStep={(id) => {
        mapper.goToList(id);
        showChannelOf(rows.find((row) => row.id === id));
      }}
      onCross={() => {
        if (chosenChannel !== null) channelColumn.current?.reveal(chosenChannel, { focus: true });
        else channelColumn.current?.step(0);
      }}
    />
  );
  const channelsColumn = (
    <Column
      label="Slack channels"
      items={channels}
      heights={WIDE}
      handle={channelColumn}
      onScroller={setChannelScroller}
      dots="left"
      renderRow={(channel, tabIndex) => (
        <ChannelRowView
          channel={channel}
          tabIndex={tabIndex}
          isChosen={channel.id === chosenChannel}
          isLit={litEnds.has(channel.id)}
          isSuggested={channel.id === suggested}
          isDropTarget={drag?.over === channel.id}
          onChoose={mapper.chooseChannel}
          onLight={lightChannel}
        />
      )}
      renderInvitation={() => <Invitation />}
      onStep={mapper.goToChannel}
      onCross={() => {
        if (chosenList !== null) listColumn.current?.reveal(chosenList, { focus: true });
        else listColumn.current?.step(0);
      }}
    />
  );
  return (
    <div ref={setFrame} className={classes.board} data-dragging={drag !== null || undefined}>
      {frameLists(listsColumn)}
      {frameChannels(channelsColumn)}
      <Lines
        lines={lines}
        listCentres={listCentres}
        channelCentres={channelCentres}
        frame={frame}
        lists={listScroller}
        channels={channelScroller}
        heading={WIDE.heading}
        lit={lit}
        freshListId={mapper.freshListId}
        drag={drag}
      />
    </div>
  );
}

function useLight(
  side: Lit["side"],
  set: (change: (lights: Record<LitBy, Lit | null>) => Record<LitBy, Lit | null>) => void,
) {
  return useCallback(
    (id: string | null, by: LitBy) => {
      set((lights) => ({ ...lights, [by]: id === null ? null : { side, id } }));
    },
    [side, set],
  );
}
