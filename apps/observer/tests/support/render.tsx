import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { render, type RenderResult } from "@testing-library/react";
import { NuqsTestingAdapter } from "nuqs/adapters/testing";
import type { ReactNode } from "react";
import { createNexusClient } from "@/lib/api/client";
import { ApiProvider } from "@/lib/api/provider";
import { LiveProvider } from "@/lib/live/provider";
import { AdminSocket } from "@/lib/live/socket";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { FakeNexus } from "./fake-nexus";

/** Where Observer's own server is in tests; give it to msw: `http.get(`${ORIGIN}/api/nexus/v1/…`)`. */
export const ORIGIN = "http://observer.test";

/** Draws within everything that a page has around it, and plays Nexus's side of the socket. */
export function renderPage(page: ReactNode, { search = "" } = {}): RenderResult & { nexus: FakeNexus } {
  const nexus = new FakeNexus();
  const socket = new AdminSocket({ fetchTicket: nexus.fetchTicket, open: nexus.open });
  const result = render(
    <MantineProvider env="test">
      <Notifications />
      <ConfirmDialog />
      <NuqsTestingAdapter searchParams={search} hasMemory>
        <ApiProvider client={createNexusClient(ORIGIN)}>
          <LiveProvider socket={socket}>{page}</LiveProvider>
        </ApiProvider>
      </NuqsTestingAdapter>
    </MantineProvider>,
  );
  return { ...result, nexus };
}
