import { CopyButton } from "./CopyButton";
import classes from "./CodeBlock.module.css";

export interface CodeBlockProps {
  /** What it is, for the copy button and those who cannot see it: "manifest". */
  what: string;
  children: string;
  /** In pixels; longer text scrolls. */
  maxHeight?: number;
  /** False where a button beside it copies. */
  copies?: boolean;
}

/** Lines to copy as they are: settings, a manifest, a script. */
export function CodeBlock({ what, children, maxHeight = 280, copies = true }: CodeBlockProps) {
  return (
    <div className={classes.frame}>
      {copies && (
        <div className={classes.copy}>
          <CopyButton value={children} what={what} />
        </div>
      )}
      {/* Scrolls, so it must be reachable by keyboard. */}
      <pre className={classes.code} style={{ maxHeight }} tabIndex={0} aria-label={what}>
        {children}
      </pre>
    </div>
  );
}
