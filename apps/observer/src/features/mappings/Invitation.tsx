import { Command } from "@/ui/Command";
import classes from "./Invitation.module.css";
import { INVITE } from "./layout";

/** How Oblivion gets into a channel. */
export function Invitation() {
  return (
    <div className={classes.invitation}>
      <span>It joins a public one with the first card. To invite it, write in the channel:</span>
      <Command>{INVITE}</Command>
    </div>
  );
}
