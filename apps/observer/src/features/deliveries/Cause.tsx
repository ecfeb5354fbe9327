"use client";

import { IconChevronRight } from "@tabler/icons-react";
import { ActionButton } from "@/ui/ActionButton";
import { confirmFirst } from "@/ui/confirmations";
import { Time } from "@/ui/Time";
import { ToolIcon } from "@/ui/ToolIcon";
import { number, toolName } from "@/ui/words";
import type { CauseListProps } from "./CauseList";
import classes from "./Causes.module.css";
import { replayConfirmation } from "./ReplayAll";
import { RowTable } from "./RowTable";
import { kindNames, type Group } from "./words";

export interface CauseProps {
  group: Group;
  isOpen: boolean;
  onToggle: () => void;
  table: CauseListProps["table"];
}

/** A cause with its count, when it was seen, and a way to replay all that died of it. */
export function Cause({ group, isOpen, onToggle, table }: CauseProps) {
  const { fingerprint, reason, sinks, kinds, count, first_seen_at, last_seen_at } = group;
  const rowsId = `cause-${fingerprint}`;
  const { replays, replayCause, pending } = table.replaying;
  const isPending = pending?.what === "cause" && pending.group.fingerprint === fingerprint;
  function askFirst(): void {
    confirmFirst(
      replayConfirmation(count, "of this cause", () => {
        replayCause(group);
      }),
    );
  }
  return (
    <li className={classes.cause} data-open={isOpen || undefined}>
      <div className={classes.head}>
        <button
          type="button"
          data-cause
          className={classes.toggle}
          aria-expanded={isOpen}
          aria-controls={isOpen ? rowsId : undefined}
          onClick={onToggle}
        >
          <IconChevronRight size={16} className={classes.chevron} aria-hidden />
          <span className={classes.count} data-none={count === 0 || undefined}>
            {number(count)}
            <span className="visually-hidden"> dead: </span>
          </span>
          <span className={classes.words}>
            <span className={classes.reason}>{reason}</span>
            <span className={classes.facts}>
              {sinks.map((sink) => (
                <span key={sink} className={classes.tool}>
                  <ToolIcon tool={sink} size={13} /> {toolName(sink)}
                </span>
              ))}
              <span>{kindNames(kinds)}</span>
            </span>
          </span>
        </button>
        <div className={classes.seen}>
          <span>
            first <Time at={first_seen_at} />
          </span>
          <span>
            last <Time at={last_seen_at} />
          </span>
        </div>
        <div className={classes.action}>
          {count === 0 ? (
            <span className={classes.emptied}>{resultOf(replays, fingerprint)}</span>
          ) : (
            <ActionButton needs="operate" loading={isPending} onClick={askFirst}>
              Replay {number(count)}
            </ActionButton>
          )}
        </div>
      </div>
      {isOpen && (
        <div id={rowsId} className={classes.rows}>
          <RowTable
            {...table}
            label={`Dead letters of the cause: ${reason}`}
            filter={{ fingerprint }}
            withReason={reason.includes("…")}
            belongs={(row) => row.fingerprint === fingerprint}
          />
        </div>
      )}
    </li>
  );
}

function resultOf(replays: CauseListProps["table"]["replaying"]["replays"], fingerprint: string): string {
  const ofCause = [...replays.values()].filter(({ row }) => row.fingerprint === fingerprint);
  return ofCause.some(({ grant }) => grant === "asked") ? "Replaying…" : "All replayed";
}
