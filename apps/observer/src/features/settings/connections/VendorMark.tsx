import { IconChecklist, IconMessages, IconPlug } from "@tabler/icons-react";
import classes from "./Connections.module.css";
import type { Integration } from "./connecting";

/** A picture of what a vendor is for here. The name stands beside it. */
export function VendorMark({ role }: { role: Integration["role"] | undefined }) {
  const Icon = role === "tracker" ? IconChecklist : role === "chat" ? IconMessages : IconPlug;
  return (
    <span className={classes.mark} aria-hidden>
      <Icon size={19} stroke={1.6} />
    </span>
  );
}
