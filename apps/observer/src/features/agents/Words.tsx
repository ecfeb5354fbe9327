import { Tooltip } from "@mantine/core";
import clsx from "clsx";
import classes from "./Words.module.css";

export interface WordsProps {
  words: string[];
  /** How many are shown, on one line; the others are counted, and listed on hover and focus. */
  most?: number;
  /** Instead of no words. */
  none?: string;
}

/** Skills, aliases or versions, one chip each. */
export function Words({ words, most, none = "–" }: WordsProps) {
  if (words.length === 0) return <span className={classes.none}>{none}</span>;
  const rest = most === undefined ? [] : words.slice(most);
  return (
    <span className={clsx(classes.words, most !== undefined && classes.oneLine)}>
      {words.slice(0, most).map((word) => (
        <span key={word} className={classes.word}>
          {word}
        </span>
      ))}
      {rest.length > 0 && (
        <Tooltip label={rest.join(", ")} maw={320} multiline>
          <span className={classes.more} tabIndex={0} aria-label={`and ${rest.join(", ")}`}>
            +{rest.length}
          </span>
        </Tooltip>
      )}
    </span>
  );
}
