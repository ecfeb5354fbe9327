import { IconCopy, IconListDetails } from "@tabler/icons-react";
import clsx from "clsx";
import Link from "next/link";
import { memo } from "react";
import { toolName } from "@/ui/words";
import { asText, clockTime, type Entry } from "./entry";
import { marked, type FeedParams } from "./filters";
import { LineDetail } from "./LineDetail";
import classes from "./LogRow.module.css";
import type { Row } from "./rows";

export interface LogRowProps {
  row: Row;
  index: number;
  /** Where it stands, in pixels from the first. */
  top: number;
  isOpen: boolean;
  /** Where the keys are. */
  isCurrent: boolean;
  hasTools: boolean;
  pattern: RegExp | null;
  onToggle: (id: string, index: number) => void;
  onHover: (id: string) => void;
  /** The height of what is open below it, whenever it changes. */
  onHeight: (height: number) => void;
  onFilter: (change: Partial<FeedParams>) => void;
}

const DAY = new Intl.DateTimeFormat("en-GB", {
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
});

/** One row. Plain elements throughout: hundreds of them are drawn in a second. */
export const LogRow = memo(
  function LogRow(props: LogRowProps) {
    const { row, index, top, isOpen, isCurrent, hasTools, pattern } = props;
    const { onToggle, onHover, onHeight, onFilter } = props;
    const place = { "data-index": index, style: { transform: `translateY(${top}px)` } };
    if (row.type === "day") {
      return (
        <div className={classes.divider} {...place}>
          {DAY.format(row.at / 1000)}
        </div>
      );
    }
    if (row.type === "gap") {
      return (
        <div className={clsx(classes.divider, classes.gap)} {...place}>
          Lines are missing here: more happened while this page was not connected than can be sent again
        </div>
      );
    }
    const { line, at } = row;
    const [time, fraction] = clockTime(at);
    const reach = isCurrent ? 0 : -1;
    return (
      <div
        className={classes.row}
        data-level={line.level}
        data-open={isOpen || undefined}
        data-current={isCurrent || undefined}
        {...place}
        onMouseEnter={() => {
          onHover(row.id);
        }}
      >
        <button
          type="button"
          className={classes.line}
          tabIndex={reach}
          aria-expanded={isOpen}
          onClick={() => {
            onToggle(row.id, index);
          }}
        >
          <time className={classes.time} dateTime={line.ts}>
            {time}
            <span className={classes.fraction}>{fraction}</span>
          </time>
          <span className={classes.level}>{line.level}</span>
          <span className={classes.source}>{toolName(line.source)}</span>
          <span className={classes.message}>
            {line.agent && <span className={classes.agent}>{line.agent} </span>}
            <Marked text={line.message} pattern={pattern} />
          </span>
        </button>
        {hasTools && <Tools line={row} reach={reach} />}
        {isOpen && <LineDetail entry={row} onHeight={onHeight} onFilter={onFilter} />}
      </div>
    );
  },
  // The functions are new each time and do the same.
  (a, b) =>
    a.row === b.row &&
    a.top === b.top &&
    a.isOpen === b.isOpen &&
    a.isCurrent === b.isCurrent &&
    a.hasTools === b.hasTools &&
    a.pattern === b.pattern &&
    a.index === b.index,
);

/** What can be done with a line without opening it. */
function Tools({ line: entry, reach }: { line: Entry; reach: number }) {
  const { task_id } = entry.line;
  return (
    <span className={classes.tools}>
      {task_id && (
        <Link
          href={`/tasks?task=${encodeURIComponent(task_id)}`}
          prefetch={false}
          className={classes.tool}
          tabIndex={reach}
          title="Open the task"
        >
          <IconListDetails size={13} aria-hidden />
          <span className="visually-hidden">Open the task</span>
        </Link>
      )}
      <button
        type="button"
        className={classes.tool}
        tabIndex={reach}
        title="Copy the line"
        onClick={() => void navigator.clipboard.writeText(asText(entry))}
      >
        <IconCopy size={13} aria-hidden />
        <span className="visually-hidden">Copy the line</span>
      </button>
    </span>
  );
}

function Marked({ text, pattern }: { text: string; pattern: RegExp | null }) {
  return marked(text, pattern).map((piece, at) => (at % 2 === 0 ? piece : <mark key={at}>{piece}</mark>));
}
