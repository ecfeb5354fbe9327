import { IconArrowDown } from "@tabler/icons-react";
import { number } from "@/ui/words";
import classes from "./LogView.module.css";

/** Beyond this they are not counted: the store holds no more. */
const MOST = 5000;

/** Goes to the end, and says how much there is to see. */
export function NewLines({ count, onGo }: { count: number; onGo: () => void }) {
  return (
    <button type="button" className={classes.newLines} onClick={onGo}>
      <IconArrowDown size={14} aria-hidden />
      {count === 0 ? "Go to the end" : count >= MOST ? `${number(MOST)}+ new` : `${number(count)} new`}
    </button>
  );
}
