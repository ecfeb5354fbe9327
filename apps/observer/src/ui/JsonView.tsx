import type { ReactNode } from "react";
import { CopyButton } from "./CopyButton";
import classes from "./JsonView.module.css";

const TOKEN = /("(?:\\.|[^"\\])*"(?:\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g;

/** JSON as it is, with colours of its kinds and a button that copies it. */
export function JsonView({
  value,
  what = "JSON",
  maxHeight = 420,
}: {
  value: unknown;
  what?: string;
  maxHeight?: number;
}) {
  const text = JSON.stringify(value, null, 2);
  return (
    <div className={classes.frame}>
      <div className={classes.copy}>
        <CopyButton value={text} what={what} />
      </div>
      {/* Scrolls, so it must be reachable by keyboard. */}
      <pre className={classes.json} style={{ maxHeight }} tabIndex={0} aria-label={what}>
        {coloured(text)}
      </pre>
    </div>
  );
}

function coloured(text: string): ReactNode[] {
  return text.split(TOKEN).map((part, index) =>
    index % 2 === 0 ? (
      part
    ) : (
      <span key={index} className={kindOf(part)}>
        {part}
      </span>
    ),
  );
}

function kindOf(token: string): string | undefined {
  if (token.endsWith(":")) return classes.key;
  return token.startsWith('"') ? classes.text : classes.other;
}
