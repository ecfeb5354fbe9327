import { IconAlertTriangle, IconCircleCheck, IconCircleX } from "@tabler/icons-react";
import classes from "./CheckList.module.css";
import type { Check } from "./connecting";

const LOOKS = {
  ok: { icon: IconCircleCheck, word: "OK" },
  warning: { icon: IconAlertTriangle, word: "Warning" },
  failed: { icon: IconCircleX, word: "Failed" },
} as const;

/** One line for each thing that has to be right, with what to do where it is not. */
export function CheckList({ checks }: { checks: Check[] }) {
  return (
    <ul className={classes.list}>
      {checks.map(({ name, state, detail, hint }) => {
        const { icon: Icon, word } = LOOKS[state];
        return (
          <li key={name} className={classes.check} data-state={state}>
            <Icon size={16} className={classes.icon} aria-hidden />
            <span className={classes.name}>
              <span className="visually-hidden">{word}: </span>
              {name}
            </span>
            <span className={classes.words}>
              {detail}
              {hint ? <span className={classes.hint}>{hint}</span> : null}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
