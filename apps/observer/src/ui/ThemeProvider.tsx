"use client";

import { MantineProvider } from "@mantine/core";
import type { ReactNode } from "react";
import { lazily } from "./lazily";
import { cssVariables, theme } from "./theme";

const ConfirmDialog = lazily(() => import("./ConfirmDialog").then((file) => file.ConfirmDialog));
const Notifications = lazily(() => import("@mantine/notifications").then((library) => library.Notifications));

/** The look, and where dialogs and toasts appear. */
export function ThemeProvider({ children, nonce }: { children: ReactNode; nonce?: string | undefined }) {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce ?? ""}
      deduplicateInlineStyles
    >
      {children}
      <ConfirmDialog />
      <Notifications position="bottom-right" limit={4} autoClose={6000} />
    </MantineProvider>
  );
}
