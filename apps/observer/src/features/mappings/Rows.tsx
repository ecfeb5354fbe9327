"use client";

import { Tooltip } from "@mantine/core";
import { IconAlertTriangle, IconClock, IconHash, IconLock, IconSparkles } from "@tabler/icons-react";
import type { FocusEvent, PointerEvent } from "react";
import type { ChannelRow, ListRow } from "./boardModel";
import classes from "./Rows.module.css";
import { troubleTone, troubleWords } from "./trouble";
import { isPending } from "./writes";

export type LitBy = "pointer" | "focus";

interface Common {
  tabIndex: 0 | -1;
  /** One of the pair in the bar. */
  isChosen: boolean;
  /** At the other end of what the pointer or the focus is on. */
  isLit: boolean;
  onChoose: (id: string) => void;
  /** The pointer or the focus came, or left (null). */
  onLight: (id: string | null, by: LitBy) => void;
}

export interface ListRowProps extends Common {
  list: ListRow;
  isDragged: boolean;
  /** Undefined where nothing may be dragged. */
  onDrag?: (listId: string, event: PointerEvent) => void;
}

/** A list, with its channel, or the one that goes by its name. */
export function ListRowView({
  list,
  tabIndex,
  isChosen,
  isLit,
  isDragged,
  onChoose,
  onLight,
  onDrag,
}: ListRowProps) {
  const { id, name, mapping, suggestion, trouble, waiting } = list;
  const look =
    trouble !== null
      ? troubleTone(trouble)
      : mapping !== null
        ? "linked"
        : suggestion !== null
          ? "suggested"
          : "free";
  return (
    <div
      className={classes.row}
      data-side="list"
      data-list={id}
      data-chosen={isChosen || undefined}
      data-lit={isLit || undefined}
      data-dragged={isDragged || undefined}
      {...lighting(id, onLight)}
    >
      <button
        type="button"
        data-row={id}
        className={classes.button}
        aria-pressed={isChosen}
        tabIndex={tabIndex}
        onClick={() => {
          onChoose(id);
        }}
      >
        <span className={classes.name} title={name}>
          {name}
        </span>
        {waiting > 0 && mapping === null && (
          <span className={classes.waiting}>
            <IconClock size={12} aria-hidden />
            {waiting} waiting
          </span>
        )}
        <Chip list={list} />
      </button>
      <span
        aria-hidden
        className={classes.port}
        data-look={look}
        data-drag={onDrag !== undefined || undefined}
        onPointerDown={(event) => onDrag?.(id, event)}
        onClick={() => {
          onChoose(id);
        }}
      />
    </div>
  );
}

function Chip({ list: { mapping, suggestion, trouble } }: { list: ListRow }) {
  if (mapping !== null) {
    const words = trouble === null ? null : troubleWords(trouble, mapping);
    return (
      <span
        className={classes.chip}
        data-trouble={trouble === null ? undefined : troubleTone(trouble)}
        data-pending={isPending(mapping) || undefined}
      >
        {words !== null && <IconAlertTriangle size={12} aria-hidden />}
        <span className="truncate">#{mapping.channel_name}</span>
        {words !== null && <span className="visually-hidden">, {words.short}</span>}
      </span>
    );
  }
  if (suggestion !== null) {
    return (
      <span className={classes.chip} data-suggested>
        <IconSparkles size={12} aria-hidden />
        <span className="visually-hidden">suggested </span>
        <span className="truncate">#{suggestion.channelName}</span>
      </span>
    );
  }
  return <span className={classes.none}>Not linked</span>;
}

export interface ChannelRowProps extends Common {
  channel: ChannelRow;
  /** Goes by the name of the chosen list. */
  isSuggested: boolean;
  isDropTarget: boolean;
}

/** A channel, with how many lists post there. */
export function ChannelRowView(props: ChannelRowProps) {
  const { channel, tabIndex, isChosen, isLit, isSuggested, isDropTarget, onChoose, onLight } = props;
  const { id, name, isPrivate, isGone, lists } = channel;
  const Mark = isGone ? IconAlertTriangle : isPrivate ? IconLock : IconHash;
  return (
    <div
      className={classes.row}
      data-side="channel"
      data-channel={id}
      data-chosen={isChosen || undefined}
      data-lit={isLit || undefined}
      data-over={isDropTarget || undefined}
      {...lighting(id, onLight)}
    >
      <button
        type="button"
        data-row={id}
        className={classes.button}
        aria-pressed={isChosen}
        tabIndex={tabIndex}
        onClick={() => {
          onChoose(id);
        }}
      >
        <Tooltip label="Private" disabled={!isPrivate}>
          <Mark size={15} stroke={1.6} className={classes.mark} data-gone={isGone || undefined} aria-hidden />
        </Tooltip>
        <span
          className={classes.name}
          title={`#${name}`}
          data-quiet={(!channel.isMember && !isGone) || undefined}
        >
          <span className="visually-hidden">{isPrivate ? "private channel " : "channel "}</span>
          {name}
        </span>
        {isSuggested && (
          <span className={classes.chip} data-suggested>
            <IconSparkles size={12} aria-hidden />
            Suggested
          </span>
        )}
        {lists > 0 && (
          <span className={classes.lists}>
            {lists} {lists === 1 ? "list" : "lists"}
          </span>
        )}
      </button>
      <span
        aria-hidden
        className={classes.port}
        data-look={isGone ? "failed" : lists > 0 ? "linked" : isSuggested ? "suggested" : "free"}
      />
    </div>
  );
}

/** Pointer and keyboard light a row alike; a click with the mouse does not leave it lit. */
function lighting(id: string, onLight: Common["onLight"]) {
  return {
    onPointerEnter: () => {
      onLight(id, "pointer");
    },
    onPointerLeave: () => {
      onLight(null, "pointer");
    },
    onFocus: (event: FocusEvent) => {
      if (event.target.matches(":focus-visible")) onLight(id, "focus");
    },
    onBlur: () => {
      onLight(null, "focus");
    },
  };
}
