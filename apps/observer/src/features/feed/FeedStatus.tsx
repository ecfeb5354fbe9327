import { useNow } from "@/lib/clock";
import { useLive } from "@/lib/live/provider";
import { relative } from "@/lib/time";
import { counted, number } from "@/ui/words";
import classes from "./Feed.module.css";
import type { FeedSnapshot } from "./store";

const SAID = {
  connecting: "Connecting to live events",
  live: "Live",
  reconnecting: "The connection is lost. Reconnecting",
  refused: "Live events are refused",
};

/** How much is shown, how old the newest of it is, whether it follows; changes of state are read out. */
export function FeedStatus({ snapshot, shown }: { snapshot: FeedSnapshot; shown: number }) {
  const { entries, pause, newestAt, gaps } = snapshot;
  const { state } = useLive();
  return (
    <footer className={classes.status}>
      <span className="tabular">
        {shown === entries.length
          ? counted(shown, "line")
          : `${number(shown)} of ${counted(entries.length, "line")}`}
      </span>
      {newestAt !== null && <Newest at={newestAt / 1000} />}
      {gaps.length > 0 && <span className={classes.missing}>Some lines are missing</span>}
      <span className={classes.mode}>{pause === null ? "Following" : "Paused"}</span>
      <span className={classes.keys} aria-hidden>
        <kbd>J</kbd> <kbd>K</kbd> line · <kbd>Enter</kbd> open · <kbd>C</kbd> copy · <kbd>P</kbd> pause
      </span>
      <span className="visually-hidden" role="status" aria-live="polite">
        {SAID[state]}. {pause === null ? "Following new lines." : "Paused."}
        {gaps.length > 0 && " Some lines are missing."}
      </span>
    </footer>
  );
}

function Newest({ at }: { at: number }) {
  const now = useNow();
  return <span className="tabular">newest {now === 0 ? "…" : relative(Math.min(at, now), now)}</span>;
}
