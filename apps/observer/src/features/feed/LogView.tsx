import { useVirtualizer } from "@tanstack/react-virtual";
import { useLayoutEffect, useRef, useState } from "react";
import { useHotkey } from "@/lib/keys";
import { asText } from "./entry";
import type { FeedParams } from "./filters";
import classes from "./LogView.module.css";
import { LogRow } from "./LogRow";
import { NewLines } from "./NewLines";
import { nextLine, type Row } from "./rows";
import type { FeedStore, Pause } from "./store";

const ROW_PX = 26;
/** How far from the end still counts as at the end. */
const END_PX = ROW_PX * 1.5;

export interface LogViewProps {
  rows: readonly Row[];
  store: FeedStore;
  pause: Pause | null;
  /** How many lines that match came since the pause. */
  fresh: number;
  /** What is marked in messages. */
  pattern: RegExp | null;
  onFilter: (change: Partial<FeedParams>) => void;
}

/**
 * The lines, of which only those in sight are drawn. It follows the end; scrolling up holds it, scrolling down lets it
 * follow again. Opening a line, or going through lines by key, holds it as well, or the line would run away.
 */
export function LogView({ rows, store, pause, fresh, pattern, onFilter }: LogViewProps) {
  const frame = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState<{ id: string; height: number } | null>(null);
  const [currentId, setCurrentId] = useState<string | null>(null);
  const [hoveredId, setHoveredId] = useState<string | null>(null);
  const isFollowing = pause === null;
  if (isFollowing && open !== null) setOpen(null);

  // eslint-disable-next-line react-hooks/incompatible-library -- its functions are not given to memoised components
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: (index) => ROW_PX + (rows[index]?.id === open?.id ? (open?.height ?? 0) : 0),
    overscan: 10,
  });
  const openIndex = open === null ? -1 : rows.findIndex((row) => row.id === open.id);
  useLayoutEffect(() => {
    virtual.measure();
  }, [virtual, openIndex, open?.height]);

  // After each drawing: with a full store new lines change neither the number of rows nor their height.
  useLayoutEffect(() => {
    const element = frame.current;
    if (isFollowing && element !== null) element.scrollTop = element.scrollHeight;
  });

  function onScroll(): void {
    const element = frame.current;
    if (element === null) return;
    const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < END_PX;
    if (isFollowing && !isAtEnd) store.pause("scroll");
    else if (pause === "scroll" && isAtEnd) store.resume();
  }
  function move(step: 1 | -1): void {
    const at = rows.findIndex((row) => row.id === currentId);
    const next = at < 0 ? nextLine(rows, rows.length, -1) : nextLine(rows, at, step);
    const row = rows[next];
    if (row === undefined) return;
    store.pause("hold");
    setCurrentId(row.id);
    virtual.scrollToIndex(next);
    focus(next);
  }
  function focus(index: number): void {
    requestAnimationFrame(() => {
      frame.current?.querySelector<HTMLElement>(`[data-index="${index}"] button`)?.focus();
    });
  }
  function toggle(id: string, index: number): void {
    store.pause("hold");
    focus(index);
    setCurrentId(id);
    setOpen((before) => (before?.id === id ? null : { id, height: 0 }));
  }
  function copy(): void {
    const row = rows.find(({ id }) => id === currentId);
    if (row?.type === "line") void navigator.clipboard.writeText(asText(row));
  }
  useHotkey("j", "Next line", "This page", () => {
    move(1);
  });
  useHotkey("k", "Previous line", "This page", () => {
    move(-1);
  });
  useHotkey("c", "Copy the line", "This page", copy, currentId === null);

  return (
    <div className={classes.view}>
      {/* Scrolls, so it must be reachable by keyboard. What streams is not read out: it would never end. */}
      <div
        ref={frame}
        className={classes.frame}
        role="log"
        aria-live="off"
        aria-label="Lines of the feed"
        tabIndex={0}
        onScroll={onScroll}
      >
        <div className={classes.rows} style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }, position) => {
            const row = rows[index];
            return row === undefined ? null : (
              <LogRow
                // While lines stream through, elements stay and change their text; that is the cheapest.
                key={isFollowing ? position : row.id}
                row={row}
                index={index}
                top={start}
                isOpen={row.id === open?.id}
                isCurrent={row.id === currentId}
                hasTools={row.id === currentId || row.id === hoveredId}
                pattern={pattern}
                onToggle={toggle}
                onHover={setHoveredId}
                onHeight={(height) => {
                  setOpen((before) => (before?.id === row.id ? { id: row.id, height } : before));
                }}
                onFilter={onFilter}
              />
            );
          })}
        </div>
      </div>
      {!isFollowing && (
        <NewLines
          count={fresh}
          onGo={() => {
            store.resume();
          }}
        />
      )}
    </div>
  );
}
