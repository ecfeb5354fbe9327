import type { ReactNode } from "react";
import classes from "./SettingsSection.module.css";

export interface SettingsSectionProps {
  /** What this page of the settings is for, in a sentence or two. */
  intro: ReactNode;
  /** Filters and the one primary action. */
  actions?: ReactNode;
  /** The content scrolls inside of itself: one Panel that fills. */
  fill?: boolean;
  children: ReactNode;
}

/** One page of the settings under the tabs. */
export function SettingsSection({ intro, actions, fill = false, children }: SettingsSectionProps) {
  return (
    <div className={classes.section} data-fill={fill || undefined}>
      <div className={classes.head}>
        <p className={classes.intro}>{intro}</p>
        {actions !== undefined && <div className={classes.actions}>{actions}</div>}
      </div>
      {children}
    </div>
  );
}
