"use client";

import { Checkbox } from "@mantine/core";
import clsx from "clsx";
import { memo, type ReactNode } from "react";
import classes from "./DataTable.module.css";

export interface Column<Row> {
  key: string;
  header: ReactNode;
  render: (row: Row) => ReactNode;
  width?: number | string;
  align?: "left" | "right";
  /** Not shown on a narrow screen. */
  secondary?: boolean;
}

export interface Selection {
  keys: ReadonlySet<string>;
  onChange: (keys: Set<string>) => void;
}

export interface TableRowProps<Row> {
  index: number;
  row: Row;
  rowKey: (row: Row) => string;
  columns: Column<Row>[];
  onOpen: ((row: Row) => void) | undefined;
  selection: Selection | undefined;
  isOpen: boolean;
  isSelected: boolean;
}

const PRESSABLE = "a, button, input, label";

function PlainTableRow<Row>(props: TableRowProps<Row>) {
  const { index, row, rowKey, columns, onOpen, selection, isOpen, isSelected } = props;
  return (
    <tr
      data-index={index}
      aria-rowindex={index + 2}
      data-open={isOpen || undefined}
      data-selected={isSelected || undefined}
      className={clsx(onOpen !== undefined && classes.opens)}
      onClick={({ target }) => {
        // What lies above the button that spans the row, and cannot be pressed itself, opens the row, too.
        if (target instanceof Element && target.closest(PRESSABLE) === null) onOpen?.(row);
      }}
    >
      {selection !== undefined && (
        <td className={classes.check}>
          <Checkbox
            size="xs"
            aria-label="Select this row"
            checked={isSelected}
            onChange={() => {
              toggle(selection, rowKey(row));
            }}
          />
        </td>
      )}
      {columns.map((column, at) => (
        <td key={column.key} className={cellClass(column)}>
          {at === 0 && onOpen !== undefined ? (
            <button
              type="button"
              data-row={index}
              className={classes.open}
              aria-current={isOpen || undefined}
              onClick={() => {
                onOpen(row);
              }}
            >
              {column.render(row)}
            </button>
          ) : (
            column.render(row)
          )}
        </td>
      ))}
    </tr>
  );
}

/** One row; while the table scrolls, those that stay are not drawn anew. */
export const TableRow = memo(PlainTableRow) as typeof PlainTableRow;

/** Selects a row, or lets go of it. */
export function toggle(selection: Selection, key: string): void {
  const keys = new Set(selection.keys);
  if (!keys.delete(key)) keys.add(key);
  selection.onChange(keys);
}

export function cellClass<Row>(column: Column<Row>): string {
  return clsx(column.align === "right" && classes.right, column.secondary === true && classes.secondary);
}
