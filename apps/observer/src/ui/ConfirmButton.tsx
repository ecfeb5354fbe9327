"use client";

import { Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import type { ReactNode } from "react";
import { ActionButton, type ActionButtonProps } from "./ActionButton";

export interface Confirmation {
  /** A question that names the object: "Unlink Backend sprint 42?" */
  title: string;
  /** What will happen, and what will not. */
  children: ReactNode;
  /** The words of the button that does it: "Unlink Backend sprint 42". */
  confirm: string;
  /** Whether it takes something away. */
  isDestructive?: boolean;
  onConfirm: () => void;
}

/** Asks before something that cannot be undone. */
export function confirmFirst({
  title,
  children,
  confirm,
  isDestructive = true,
  onConfirm,
}: Confirmation): void {
  modals.openConfirmModal({
    title,
    children: (
      <Text size="sm" component="div" className="prose">
        {children}
      </Text>
    ),
    labels: { confirm, cancel: "Cancel" },
    confirmProps: { color: isDestructive ? "red.9" : "indigo", variant: "filled", size: "xs" },
    cancelProps: { size: "xs" },
    onConfirm,
  });
}

export interface ConfirmButtonProps extends Omit<ActionButtonProps, "onClick"> {
  confirmation: Confirmation;
}

/** An ActionButton that asks first. */
export function ConfirmButton({ confirmation, ...rest }: ConfirmButtonProps) {
  return (
    <ActionButton
      {...rest}
      onClick={() => {
        confirmFirst(confirmation);
      }}
    />
  );
}
