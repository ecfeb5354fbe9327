import type { Model } from "@/lib/api/client";
import { duration } from "@/lib/time";
import { Time } from "@/ui/Time";
import { counted } from "@/ui/words";
import classes from "./DeliveryDetail.module.css";
import { tryLook } from "./words";

/** Each try with what became of it, the newest first, and how long after the one before. */
export function Attempts({ delivery: { history, attempts } }: { delivery: Model<"DeliveryDetail"> }) {
  if (history.length === 0) {
    const words =
      attempts === 0
        ? "It has not been tried yet."
        : `${counted(attempts, "try", "tries")}; of those nothing was written down.`;
    return <p className={classes.none}>{words}</p>;
  }
  return (
    <ol className={classes.tries} reversed>
      {history
        .map((attempt, index) => ({ ...attempt, before: history[index - 1]?.at }))
        .reverse()
        .map(({ at, outcome, reason, before }) => {
          const { label, tone } = tryLook(outcome);
          return (
            <li key={`${at} ${outcome}`} className={classes.try} data-tone={tone}>
              <span className={classes.tryWords}>{label}</span>
              <span className={classes.tryTime}>
                {before !== undefined && <>{duration(Date.parse(at) - Date.parse(before))} later, </>}
                <Time at={at} />
              </span>
              {reason !== null && reason !== "" && <span className={classes.tryReason}>{reason}</span>}
            </li>
          );
        })}
    </ol>
  );
}
