import { CopyButton } from "./CopyButton";
import classes from "./Command.module.css";

/** A command for a terminal, with a button that copies it. */
export function Command({ children }: { children: string }) {
  return (
    <span className={classes.command}>
      <code className={classes.text}>{children}</code>
      <CopyButton value={children} what="command" />
    </span>
  );
}
