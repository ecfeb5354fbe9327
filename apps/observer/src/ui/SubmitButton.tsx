"use client";

import { Button, Tooltip, type ButtonProps } from "@mantine/core";
import type { ReactNode } from "react";
import { usePermission, type Need } from "@/lib/me";

export interface SubmitButtonProps extends Omit<ButtonProps, "type" | "disabled"> {
  children: ReactNode;
  /** What it takes in Nexus; without it the button is disabled and says why. */
  needs: Need;
}

/** The button that sends a form, also by Enter; like an ActionButton it stays reachable when it cannot be used. */
export function SubmitButton({ children, needs, ...rest }: SubmitButtonProps) {
  const { allowed, why } = usePermission(needs);
  return (
    <Tooltip label={why} disabled={allowed}>
      <Button
        variant="filled"
        {...rest}
        type="submit"
        aria-disabled={!allowed || undefined}
        data-disabled={!allowed || undefined}
        onClick={(event) => {
          if (!allowed) event.preventDefault();
        }}
      >
        {children}
      </Button>
    </Tooltip>
  );
}
