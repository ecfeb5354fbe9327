import { IconInfinity, IconRobot } from "@tabler/icons-react";
import { duration, exact } from "@/lib/time";
import { counted } from "@/ui/words";
import { ToolIcon } from "@/ui/ToolIcon";
import type { Hop } from "./hops";
import type { Placed } from "./waterfall";
import classes from "./Waterfall.module.css";

export interface HopRowProps {
  hop: Hop;
  place: Placed;
  isOpen: boolean;
  onToggle: () => void;
}

/** What happened, its bar, and how long it took. */
export function HopRow({ hop, place, isOpen, onToggle }: HopRowProps) {
  const { words, outcome, tone, end, start, entry } = hop;
  const tries = entry?.attempts.length ?? 0;
  const took = end > start || hop.isOpen ? duration(end - start) : "";
  const content = (
    <>
      <span className={classes.label}>
        <HopIcon hop={hop} />
        <span className="truncate">{words}</span>
        {outcome !== null && <span className={classes.outcome}>{outcome}</span>}
        {tries > 1 && <span className={classes.tries}>{counted(tries, "try", "tries")}</span>}
      </span>
      <span className={classes.track}>
        <span
          className={classes.bar}
          data-tone={tone}
          data-moment={(end === start && !hop.isOpen) || undefined}
          data-going={hop.isOpen || undefined}
          style={{ left: `${place.left}%`, width: `${place.width}%` }}
        />
        {place.marks.map((left, at) => (
          <span key={at} className={classes.mark} style={{ left: `${left}%` }} />
        ))}
      </span>
      <span className={classes.took}>{took}</span>
    </>
  );
  if (entry === null) return <div className={classes.row}>{content}</div>;
  return (
    <button
      type="button"
      className={classes.row}
      aria-expanded={isOpen}
      title={exact(start)}
      onClick={onToggle}
    >
      {content}
    </button>
  );
}

function HopIcon({ hop: { tool, entry, tone } }: { hop: Hop }) {
  const kind = entry?.kind ?? "";
  const isAgents = entry === null || AGENT_KINDS.has(kind);
  return (
    <span className={classes.icon} data-tone={tone === "failed" || tone === "waiting" ? tone : undefined}>
      {tool !== null ? (
        <ToolIcon tool={tool} size={14} />
      ) : isAgents ? (
        <IconRobot size={14} stroke={1.7} />
      ) : (
        <IconInfinity size={14} stroke={1.7} />
      )}
    </span>
  );
}

const AGENT_KINDS = new Set([
  "task.accept",
  "task.plan",
  "task.progress",
  "task.message",
  "task.ask",
  "task.approve",
  "task.complete",
  "task.completed",
  "task.fail",
  "task.failed",
  "task.reject",
]);
