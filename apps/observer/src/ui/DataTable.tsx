"use client";

import { Button, Checkbox } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import clsx from "clsx";
import { useEffect, useEffectEvent, useRef, type ReactNode } from "react";
import { useHotkey } from "@/lib/keys";
import classes from "./DataTable.module.css";
import { TableRow, cellClass, toggle, type Column, type Selection } from "./DataTableRow";
import { SkeletonRows } from "./Skeletons";

export type { Column } from "./DataTableRow";

const ROW_PX = 34;
const VIRTUAL_FROM = 100;
/** How far before the end of the rows more of them are read. */
const READ_AHEAD_PX = 800;

export interface DataTableProps<Row> {
  /** What it lists, for those who cannot see it. */
  label: string;
  columns: Column<Row>[];
  rows: Row[] | undefined;
  rowKey: (row: Row) => string;
  /** Opens a row. The first column is its button, so nothing else in that one can be clicked. */
  onOpen?: (row: Row) => void;
  /** The open row. */
  openKey?: string | null;
  selection?: Selection;
  /** Shown instead of no rows. */
  empty?: ReactNode;
  /** There are more rows: reads them. */
  onMore?: () => void;
  isLoadingMore?: boolean;
  /** Reads more as soon as the end comes near; the button stays for those who go by key. */
  autoMore?: boolean;
  /** Columns have the widths that they name, and the rest is shared: nothing moves while rows come and go. */
  fixed?: boolean;
  /** Takes the height that there is and scrolls inside; else it is as long as its rows, 100 of them at most. */
  fill?: boolean;
}

/** Rows of 34 px, virtual when there are many. `j` and `k` go through them, Enter opens one, `x` selects one. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { label, columns, rows, rowKey, onOpen, openKey, selection, empty, onMore, isLoadingMore } = props;
  const { fill, fixed, autoMore } = props;
  const frame = useRef<HTMLDivElement>(null);
  const count = rows?.length ?? 0;
  const isVirtual = count > VIRTUAL_FROM;
  // eslint-disable-next-line react-hooks/incompatible-library -- its functions are not given to memoised components
  const virtual = useVirtualizer({
    count,
    enabled: isVirtual,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });

  function focusRow(index: number): void {
    if (isVirtual) virtual.scrollToIndex(index);
    requestAnimationFrame(() => {
      frame.current?.querySelector<HTMLElement>(`[data-row="${index}"]`)?.focus();
    });
  }
  function move(step: number): void {
    const at = Number(
      document.activeElement?.closest<HTMLElement>("[data-index]")?.dataset.index ?? Number.NaN,
    );
    const next = Number.isNaN(at) ? 0 : Math.min(count - 1, Math.max(0, at + step));
    if (count > 0) focusRow(next);
  }
  const isIdle = count === 0;
  useHotkey(
    "j",
    "Next row",
    "Tables",
    () => {
      move(1);
    },
    isIdle,
  );
  useHotkey(
    "k",
    "Previous row",
    "Tables",
    () => {
      move(-1);
    },
    isIdle,
  );
  useHotkey(
    "x",
    "Select the row",
    "Tables",
    () => {
      const at = document.activeElement?.closest<HTMLElement>("[data-index]")?.dataset.index;
      const row = at === undefined ? undefined : rows?.[Number(at)];
      if (row !== undefined && selection !== undefined) toggle(selection, rowKey(row));
    },
    isIdle || selection === undefined,
  );

  if (rows === undefined) return <SkeletonRows />;
  if (count === 0) return <>{empty}</>;

  const shown = isVirtual
    ? virtual.getVirtualItems().map((item) => item.index)
    : Array.from({ length: count }, (_, index) => index);
  const before = isVirtual ? (shown[0] ?? 0) * ROW_PX : 0;
  const after = isVirtual ? (count - 1 - (shown.at(-1) ?? count - 1)) * ROW_PX : 0;
  const width = columns.length + (selection === undefined ? 0 : 1);
  const allSelected = selection !== undefined && rows.every((row) => selection.keys.has(rowKey(row)));

  return (
    <div ref={frame} className={clsx(classes.frame, (fill === true || isVirtual) && classes.scrolls)}>
      <table
        className={clsx(classes.table, fixed === true && classes.fixed)}
        aria-label={label}
        aria-rowcount={count + 1}
      >
        <thead>
          <tr>
            {selection !== undefined && (
              <th className={classes.check}>
                <Checkbox
                  size="xs"
                  aria-label="Select all rows"
                  checked={allSelected}
                  indeterminate={!allSelected && selection.keys.size > 0}
                  onChange={() => {
                    selection.onChange(new Set(allSelected ? [] : rows.map(rowKey)));
                  }}
                />
              </th>
            )}
            {columns.map((column) => (
              <th key={column.key} scope="col" style={{ width: column.width }} className={cellClass(column)}>
                {column.header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <Gap height={before} span={width} />
          {shown.map((index) => {
            const row = rows[index];
            if (row === undefined) return null;
            const key = rowKey(row);
            return (
              <TableRow
                key={key}
                index={index}
                row={row}
                rowKey={rowKey}
                columns={columns}
                onOpen={onOpen}
                selection={selection}
                isOpen={key === openKey}
                isSelected={selection?.keys.has(key) === true}
              />
            );
          })}
          <Gap height={after} span={width} />
        </tbody>
      </table>
      {onMore !== undefined && (
        <More count={count} onMore={onMore} isLoading={isLoadingMore === true} auto={autoMore === true} />
      )}
    </div>
  );
}

/** The rows that are not drawn. */
function Gap({ height, span }: { height: number; span: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden>
      <td colSpan={span} style={{ height, padding: 0, border: 0 }} />
    </tr>
  );
}

/** At the end of the rows that are here. */
function More({
  count,
  onMore,
  isLoading,
  auto,
}: {
  count: number;
  onMore: () => void;
  isLoading: boolean;
  auto: boolean;
}) {
  const element = useRef<HTMLDivElement>(null);
  const read = useEffectEvent(onMore);
  useEffect(() => {
    const observed = element.current;
    if (observed === null || !auto || isLoading) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) read();
      },
      { root: observed.parentElement, rootMargin: `${READ_AHEAD_PX}px` },
    );
    observer.observe(observed);
    return () => {
      observer.disconnect();
    };
    // With each row more it is seen anew whether the end is still near.
  }, [auto, isLoading, count]);
  return (
    <div ref={element} className={classes.more}>
      <Button variant="subtle" onClick={onMore} loading={isLoading}>
        Load more
      </Button>
    </div>
  );
}
