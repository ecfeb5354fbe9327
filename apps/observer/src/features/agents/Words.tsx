import { Tooltip } from "@mantine/core";
import classes from "./Words.module.css";

export interface WordsProps {
  words: string[];
  /** How many are shown; the others are counted, and listed on hover and focus. */
  most?: number;
  /** Instead of no words. */
  none?: string;
}

/** Skills, aliases or versions, one chip each. */
export function Words({ words, most = words.length, none = "–" }: WordsProps) {
  if (words.length === 0) return <span className={classes.none}>{none}</span>;
  const rest = words.slice(most);
  return (
    <span className={classes.words}>
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
