import { Group, Text, Title } from "@mantine/core";
import clsx from "clsx";
import type { ReactNode } from "react";
import classes from "./Page.module.css";

export interface PageProps {
  title: string;
  /** One line: what this page is for. */
  purpose?: string;
  /** Beside the title, such as a LiveDot or a count. */
  badge?: ReactNode;
  /** Filters and at most one primary action; on the right of the title. */
  actions?: ReactNode;
  /** Under the title, such as LinkTabs. */
  tabs?: ReactNode;
  /** Sticks to the lower edge. */
  footer?: ReactNode;
  /** The content has the height of the window and scrolls inside of itself. */
  fill?: boolean;
  children: ReactNode;
}

/** A page: title row, content, and perhaps a bar at the lower edge. */
export function Page({ title, purpose, badge, actions, tabs, footer, fill = false, children }: PageProps) {
  return (
    <div className={clsx(classes.page, fill && classes.fill)}>
      <header className={classes.header}>
        <div className={classes.words}>
          <Group gap={10} wrap="nowrap">
            <Title order={1}>{title}</Title>
            {badge}
          </Group>
          {purpose !== undefined && (
            <Text c="dimmed" size="sm">
              {purpose}
            </Text>
          )}
        </div>
        {actions !== undefined && <div className={classes.actions}>{actions}</div>}
      </header>
      {tabs !== undefined && <div className={classes.tabs}>{tabs}</div>}
      <div className={classes.content}>{children}</div>
      {footer !== undefined && (
        <div className={classes.footer} data-page-footer>
          {footer}
        </div>
      )}
    </div>
  );
}
