"use client";

import { Drawer } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useRef } from "react";
import type { Model } from "@/lib/api/client";
import type { ChannelRow, ListRow } from "./boardModel";
import { Column, type ColumnHandle } from "./Column";
import { ChannelContent, ChannelFilter, ListFrame } from "./Frames";
import { Invitation } from "./Invitation";
import { NARROW, type Item } from "./layout";
import { LinkBar, type LinkBarProps } from "./LinkBar";
import classes from "./Narrow.module.css";
import { channelOfPair, listOfPair } from "./pairing";
import { ChannelRowView, ListRowView } from "./Rows";
import type { Mapper } from "./useMapper";

export interface NarrowProps {
  lists: readonly Item<ListRow>[];
  channels: readonly Item<ChannelRow>[];
  mapper: Mapper;
  catalogs: {
    lists: UseQueryResult<Model<"ListCatalog">>;
    channels: UseQueryResult<Model<"ChannelCatalog">>;
  };
  board: { counts: Parameters<typeof ListFrame>[0]["counts"]; channels: readonly ChannelRow[] };
  bar: LinkBarProps;
}

const noLight = () => undefined;

/** Where there is no room for two columns: the lists, and a sheet with the channels for the one that is chosen. */
export function Narrow({ lists, channels, mapper, catalogs, board, bar }: NarrowProps) {
  const { pair } = mapper;
  const list = listOfPair(pair);
  const chosen = channelOfPair(pair)?.id ?? null;
  const suggested = pair.kind === "link" && pair.isSuggested ? pair.channel.id : null;
  const channelColumn = useRef<ColumnHandle>(null);
  const listId = list?.id;

  // The channel is in sight when the sheet has come up.
  const show = useEffectEvent(() => {
    if (chosen !== null) channelColumn.current?.reveal(chosen);
  });
  useEffect(() => {
    if (listId === undefined) return;
    const frame = requestAnimationFrame(() => {
      show();
    });
    return () => {
      cancelAnimationFrame(frame);
    };
  }, [listId]);

  return (
    <>
      <ListFrame catalog={catalogs.lists} shown={mapper.lists.length} counts={board.counts}>
        <Column
          label="ClickUp lists"
          items={lists}
          heights={NARROW}
          dots="right"
          renderRow={(each, tabIndex) => (
            <ListRowView
              list={each}
              tabIndex={tabIndex}
              isChosen={each.id === list?.id}
              isLit={false}
              isDragged={false}
              onChoose={mapper.chooseList}
              onLight={noLight}
            />
          )}
          onStep={noLight}
        />
      </ListFrame>
      <Drawer.Root opened={list !== null} onClose={mapper.clear} position="bottom" size="86dvh">
        <Drawer.Overlay />
        <Drawer.Content classNames={{ content: classes.sheet }}>
          <div className={classes.header}>
            <Drawer.Title className={classes.title}>{list?.name}</Drawer.Title>
            <Drawer.CloseButton aria-label="Close" />
          </div>
          <Drawer.Body className={classes.body}>
            <div className={classes.filter}>
              <ChannelFilter hotkey={null} />
            </div>
            <div className={classes.channels}>
              <ChannelContent catalog={catalogs.channels} channels={board.channels} shown={channels.length}>
                <Column
                  label="Slack channels"
                  items={channels}
                  heights={NARROW}
                  handle={channelColumn}
                  dots="left"
                  renderRow={(channel, tabIndex) => (
                    <ChannelRowView
                      channel={channel}
                      tabIndex={tabIndex}
                      isChosen={channel.id === chosen}
                      isLit={false}
                      isSuggested={channel.id === suggested}
                      isDropTarget={false}
                      onChoose={mapper.chooseChannel}
                      onLight={noLight}
                    />
                  )}
                  renderInvitation={() => <Invitation />}
                  onStep={mapper.goToChannel}
                />
              </ChannelContent>
            </div>
            <div className={classes.bar}>
              <LinkBar {...bar} />
            </div>
          </Drawer.Body>
        </Drawer.Content>
      </Drawer.Root>
    </>
  );
}
