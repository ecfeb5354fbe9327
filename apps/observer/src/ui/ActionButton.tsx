"use client";

import { Button, Kbd, Tooltip, type ButtonProps } from "@mantine/core";
import type { ReactNode } from "react";
import { useHotkey } from "@/lib/keys";
import { usePermission, type Need } from "@/lib/me";

export interface ActionButtonProps extends Omit<ButtonProps, "onClick" | "disabled"> {
  children: ReactNode;
  onClick: () => void;
  /** What it takes in Nexus; without it the button is disabled and says why. */
  needs?: Need;
  /** Why it cannot be used now for another reason. */
  disabledWhy?: string | null;
  /** A key that does the same; shown in the button. */
  hotkey?: string;
  /** What the key does, for the list of keys; the words of the button by default. */
  hotkeyLabel?: string;
}

/** A button for something that Nexus may refuse: it stays reachable when disabled, so that everybody can read why. */
export function ActionButton(props: ActionButtonProps) {
  const { children, onClick, needs, disabledWhy = null, hotkey, hotkeyLabel, ...rest } = props;
  const { allowed, why } = usePermission(needs);
  const reason = allowed ? disabledWhy : why;
  const label = hotkeyLabel ?? (typeof children === "string" ? children : "");
  useHotkey(
    hotkey ?? "",
    label,
    "This page",
    onClick,
    hotkey === undefined || reason !== null || rest.loading === true,
  );
  return (
    <Tooltip label={reason} disabled={reason === null}>
      <Button
        rightSection={hotkey === undefined ? undefined : <Kbd aria-hidden>{hotkey.toUpperCase()}</Kbd>}
        aria-keyshortcuts={hotkey}
        {...rest}
        aria-disabled={reason !== null || undefined}
        data-disabled={reason !== null || undefined}
        onClick={(event) => {
          event.stopPropagation();
          if (reason === null) onClick();
        }}
      >
        {children}
      </Button>
    </Tooltip>
  );
}
