"use client";

import { Drawer } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./DetailDrawer.module.css";

export interface DetailDrawerProps {
  /** Open while its parameter is in the URL. */
  opened: boolean;
  onClose: () => void;
  title: ReactNode;
  /** Under the title: ids, states, times. */
  subtitle?: ReactNode;
  /** What can be done; sticks to the lower edge. */
  actions?: ReactNode;
  size?: number;
  children: ReactNode;
}

/** Detail from the right, with a URL of its own. Escape closes it; the focus goes back to where it was. */
export function DetailDrawer({
  opened,
  onClose,
  title,
  subtitle,
  actions,
  size = 640,
  children,
}: DetailDrawerProps) {
  return (
    <Drawer.Root
      opened={opened}
      onClose={() => {
        if (!isUnderDialog()) onClose();
      }}
      position="right"
      size={size}
      keepMounted={false}
      // A className of the content would also be one of what is around it.
      classNames={{ content: classes.content }}
    >
      <Drawer.Overlay backgroundOpacity={0.35} />
      <Drawer.Content>
        {/* Of the drawer, not of the page. */}
        <Drawer.Header className={classes.header} role="none">
          <div className={classes.words}>
            <Drawer.Title className={classes.title}>{title}</Drawer.Title>
            {subtitle !== undefined && <div className={classes.subtitle}>{subtitle}</div>}
          </div>
          <Drawer.CloseButton aria-label="Close" />
        </Drawer.Header>
        <Drawer.Body className={classes.body}>{children}</Drawer.Body>
        {actions !== undefined && (
          <div className={classes.actions} data-page-footer>
            {actions}
          </div>
        )}
      </Drawer.Content>
    </Drawer.Root>
  );
}

/** Escape is for the dialog above, which hears it, too. */
function isUnderDialog(): boolean {
  return document.querySelector(".mantine-Modal-content") !== null;
}
