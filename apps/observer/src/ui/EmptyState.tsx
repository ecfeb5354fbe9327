import { Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./States.module.css";

export interface EmptyStateProps {
  icon?: ReactNode;
  title: string;
  /** What will appear here, or why nothing does. */
  children?: ReactNode;
  /** The one next step: a button or a Command. */
  action?: ReactNode;
}

/** Nothing to show, and what to do about it. For a filter without matches: its action clears the filters. */
export function EmptyState({ icon, title, children, action }: EmptyStateProps) {
  return (
    <Stack className={classes.state} align="center" gap={6}>
      {icon !== undefined && <span className={classes.icon}>{icon}</span>}
      <Text fw={600}>{title}</Text>
      {children !== undefined && (
        <Text c="dimmed" size="sm" maw={440} component="div">
          {children}
        </Text>
      )}
      {action !== undefined && <div className={classes.action}>{action}</div>}
    </Stack>
  );
}
