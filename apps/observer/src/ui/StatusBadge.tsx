import clsx from "clsx";
import classes from "./StatusBadge.module.css";
import type { StateLook } from "./states";

/** A state in a word and a colour: `look={taskLook(task.state)}` or `look={stateLook("dead")}`; `plain` has no surface. */
export function StatusBadge({
  look,
  plain = false,
  pulse = false,
}: {
  look: StateLook;
  plain?: boolean;
  pulse?: boolean;
}) {
  return (
    <span className={clsx(classes.badge, plain && classes.plain)} data-tone={look.tone}>
      <span className={clsx(classes.dot, pulse && classes.pulse)} aria-hidden />
      {look.label}
    </span>
  );
}
