"use client";

import { useRef } from "react";
import { useHotkey } from "@/lib/keys";
import { Cause } from "./Cause";
import classes from "./Causes.module.css";
import type { RowTableProps } from "./RowTable";
import type { Group } from "./words";

export interface CauseListProps {
  causes: Group[];
  openCause: string | null;
  onToggle: (fingerprint: string | null) => void;
  table: Omit<RowTableProps, "filter" | "withReason" | "belongs" | "label" | "empty">;
}

/** One line for each cause; the open one shows its rows. `j` and `k` go through them while none is open. */
export function CauseList({ causes, openCause, onToggle, table }: CauseListProps) {
  const list = useRef<HTMLUListElement>(null);
  const move = (step: number) => {
    const buttons = [...(list.current?.querySelectorAll<HTMLElement>("[data-cause]") ?? [])];
    const at = buttons.findIndex((button) => button === document.activeElement);
    buttons[Math.min(buttons.length - 1, Math.max(0, at + step))]?.focus();
  };
  useHotkey("j", "Next cause", "This page", () => {
    move(1);
  });
  useHotkey("k", "Previous cause", "This page", () => {
    move(-1);
  });
  return (
    <ul ref={list} className={classes.list} aria-label="Causes">
      {causes.map((group) => (
        <Cause
          key={group.fingerprint}
          group={group}
          isOpen={group.fingerprint === openCause}
          onToggle={() => {
            onToggle(group.fingerprint === openCause ? null : group.fingerprint);
          }}
          table={table}
        />
      ))}
    </ul>
  );
}
