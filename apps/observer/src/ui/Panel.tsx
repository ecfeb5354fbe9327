import clsx from "clsx";
import { useId, type ReactNode } from "react";
import classes from "./Panel.module.css";

export interface PanelProps {
  title?: ReactNode;
  icon?: ReactNode;
  /** On the right of the title, such as Synced or a count. */
  aside?: ReactNode;
  /** Under the title, such as a FilterInput. */
  toolbar?: ReactNode;
  /** No padding around the content: for tables and lists. */
  flush?: boolean;
  /** Takes the height that there is; the content scrolls. */
  fill?: boolean;
  className?: string;
  children: ReactNode;
}

/** One surface above the page, with a border and no shadow. */
export function Panel({
  title,
  icon,
  aside,
  toolbar,
  flush = false,
  fill = false,
  className,
  children,
}: PanelProps) {
  const id = useId();
  return (
    <section
      className={clsx(classes.panel, fill && classes.fill, className)}
      aria-labelledby={title === undefined ? undefined : id}
    >
      {title !== undefined && (
        <header className={classes.header}>
          {icon}
          <h2 id={id} className={classes.title}>
            {title}
          </h2>
          {aside !== undefined && <div className={classes.aside}>{aside}</div>}
        </header>
      )}
      {toolbar !== undefined && <div className={classes.toolbar}>{toolbar}</div>}
      <div className={clsx(classes.content, flush && classes.flush)}>{children}</div>
    </section>
  );
}
