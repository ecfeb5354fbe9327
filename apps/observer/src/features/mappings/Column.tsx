"use client";

import { defaultRangeExtractor, useVirtualizer, type Range } from "@tanstack/react-virtual";
import clsx from "clsx";
import {
  useCallback,
  useEffect,
  useImperativeHandle,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
} from "react";
import { number } from "@/ui/words";
import classes from "./Column.module.css";
import { headingAbove, heightOf, rowAway, type Heights, type Item } from "./layout";

export interface ColumnHandle {
  /** Scrolls to a row, and puts the focus there if asked. */
  reveal: (key: string, options?: { focus?: boolean; smooth?: boolean }) => void;
  /** Goes `step` rows away from where the focus was last. */
  step: (step: number) => void;
}

export interface ColumnProps<Row> {
  /** What it lists, for those who cannot see it. */
  label: string;
  items: readonly Item<Row>[];
  heights: Heights;
  handle?: Ref<ColumnHandle>;
  /** Given the element that scrolls; has to stay the same function. */
  onScroller?: (element: HTMLDivElement | null) => void;
  /** Where the rows' dots are; the scroll bar is on the other side. */
  dots: "left" | "right";
  /** `tabIndex` is for the row's button, which carries `data-row` with the row's key. */
  renderRow: (row: Row, tabIndex: 0 | -1) => ReactNode;
  renderInvitation?: () => ReactNode;
  /** Somebody went to this row by keyboard. */
  onStep: (key: string) => void;
  /** Somebody wants to go to the other column. */
  onCross?: () => void;
}

const OVERSCAN = 10;
const PAGE_ROWS = 10;

/**
 * Rows in groups, of which only those in sight are drawn. One row is reached by Tab; arrows, Home, End and the page keys go
 * through the others.
 */
export function Column<Row>(props: ColumnProps<Row>) {
  const { label, items, heights, handle, onScroller, dots, renderRow, renderInvitation, onStep, onCross } =
    props;
  const scroller = useRef<HTMLDivElement | null>(null);
  const [cursor, setCursor] = useState<{ key: string; focus: boolean } | null>(null);
  const attach = useCallback(
    (element: HTMLDivElement | null) => {
      scroller.current = element;
      onScroller?.(element);
    },
    [onScroller],
  );
  const keyOf = useCallback((index: number) => items[index]?.key ?? index, [items]);
  const cursorAt = cursor === null ? -1 : items.findIndex(({ key }) => key === cursor.key);
  const tabAt = cursorAt >= 0 ? cursorAt : items.findIndex(({ kind }) => kind === "row");

  // eslint-disable-next-line react-hooks/incompatible-library -- its functions are not given to memoised components
  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => heightOf(items[index] ?? { kind: "heading" }, heights),
    getItemKey: keyOf,
    overscan: OVERSCAN,
    scrollPaddingStart: heights.heading,
    scrollPaddingEnd: heights.row / 2,
    // The heading of what is scrolled to, and the row that Tab goes to, are always there.
    rangeExtractor: (range: Range) => {
      const wanted = new Set(defaultRangeExtractor(range));
      const heading = headingAbove(items, range.startIndex);
      if (heading !== null) wanted.add(heading);
      if (tabAt >= 0) wanted.add(tabAt);
      return [...wanted].sort((one, other) => one - other);
    },
  });

  function reveal(key: string, { focus = false, smooth = false } = {}): void {
    const at = items.findIndex((item) => item.key === key);
    if (at < 0) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    virtual.scrollToIndex(at, { behavior: smooth && !calm ? "smooth" : "auto" });
    setCursor({ key, focus });
  }

  // The row may have been drawn only now.
  useEffect(() => {
    if (cursor?.focus !== true) return;
    const rows = scroller.current?.querySelectorAll<HTMLElement>("[data-row]") ?? [];
    [...rows].find((row) => row.dataset.row === cursor.key)?.focus({ preventScroll: true });
  }, [cursor]);

  function step(by: number): void {
    const key = rowAway(items, cursorAt < 0 ? null : (cursor?.key ?? null), by);
    if (key === null) return;
    reveal(key, { focus: true });
    onStep(key);
  }

  useImperativeHandle(handle, () => ({ reveal, step }));

  function onKeyDown(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const by = STEPS[event.key];
    if (by !== undefined) step(by);
    else if (event.key === (dots === "right" ? "ArrowRight" : "ArrowLeft") && onCross !== undefined)
      onCross();
    else return;
    event.preventDefault();
  }

  const heading = headingAbove(items, virtual.range?.startIndex ?? 0);
  return (
    <div
      ref={attach}
      role="group"
      aria-label={label}
      className={clsx(classes.scroller, dots === "right" && classes.barLeft)}
      onKeyDown={onKeyDown}
      onFocus={(event) => {
        const row = event.target.closest<HTMLElement>("[data-row]")?.dataset.row;
        if (row !== undefined && row !== cursor?.key) setCursor({ key: row, focus: false });
      }}
    >
      <div className={classes.content} style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, key, start, size }) => {
          const item = items[index];
          if (item === undefined) return null;
          const isStuck = index === heading;
          return (
            <div
              key={key}
              className={isStuck ? classes.stuck : classes.item}
              style={isStuck ? { height: size } : { height: size, transform: `translateY(${start}px)` }}
            >
              {item.kind === "heading" && <Heading label={item.label} count={item.count} />}
              {item.kind === "invitation" && renderInvitation?.()}
              {item.kind === "row" && renderRow(item.row, index === tabAt ? 0 : -1)}
            </div>
          );
        })}
      </div>
    </div>
  );
}

const STEPS: Partial<Record<string, number>> = {
  ArrowDown: 1,
  ArrowUp: -1,
  PageDown: PAGE_ROWS,
  PageUp: -PAGE_ROWS,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

/** "Space / Folder": the folder steps back. */
function Heading({ label, count }: { label: string; count: number }) {
  const [space = label, ...folder] = label.split(" / ");
  return (
    <div className={classes.heading}>
      <h3 className={classes.label}>
        {space}
        {folder.length > 0 && <span className={classes.folder}> / {folder.join(" / ")}</span>}
      </h3>
      <span className={classes.count}>{number(count)}</span>
    </div>
  );
}
