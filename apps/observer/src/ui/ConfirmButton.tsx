"use client";

import { ActionButton, type ActionButtonProps } from "./ActionButton";
import { confirmFirst, type Confirmation } from "./confirmations";

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
