import { ToolIcon } from "@/ui/ToolIcon";
import classes from "./Connections.module.css";

/** The sign of a vendor on a surface of its own. The name stands beside it. */
export function VendorMark({ vendor }: { vendor: string }) {
  return (
    <span className={classes.mark} aria-hidden>
      <ToolIcon tool={vendor} size={19} />
    </span>
  );
}
