import { IconAlertTriangle, IconCircleCheck, IconInfoCircle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import classes from "./Notice.module.css";
import type { Tone } from "./states";

export interface NoticeProps {
  tone: Tone;
  title?: ReactNode;
  children?: ReactNode;
  /** What can be done about it: a button. */
  action?: ReactNode;
  /** Said at once to those who cannot see it appear. */
  live?: boolean;
}

/** Something that has to be read before what is below it. */
export function Notice({ tone, title, children, action, live = false }: NoticeProps) {
  const Icon = tone === "ok" ? IconCircleCheck : tone === "active" ? IconInfoCircle : IconAlertTriangle;
  return (
    <div className={classes.notice} data-tone={tone} role={live ? "alert" : undefined}>
      <Icon size={16} className={classes.icon} aria-hidden />
      <div className={classes.words}>
        {title !== undefined && <div className={classes.title}>{title}</div>}
        {children !== undefined && <div className={classes.text}>{children}</div>}
      </div>
      {action}
    </div>
  );
}
