import type { FeedLine } from "@oblivion/protocol";
import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { ORIGIN, renderPage } from "../../../tests/support/render";
import { Feed } from "./Feed";

const server = setupServer(
  http.get(`${ORIGIN}/api/nexus/v1/integrations`, () => HttpResponse.json({ items: [{ vendor: "slack" }] })),
);
beforeAll(() => {
  server.listen({ onUnhandledRequest: "bypass" });
});
afterEach(() => {
  server.resetHandlers();
});
afterAll(() => {
  server.close();
});
// jsdom lays nothing out: without a height no row would be in sight.
beforeEach(() => {
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(600);
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(800);
});
afterEach(() => {
  vi.restoreAllMocks();
});

function line(second: number, change: Partial<FeedLine> = {}): FeedLine {
  return {
    id: `line-${second}`,
    ts: new Date(Date.UTC(2026, 2, 12, 14, 0, second)).toISOString(),
    level: "info",
    kind: "delivery.done",
    source: "slack",
    tenant_id: "tenant",
    message: `Message ${second}`,
    ...change,
  };
}

async function connected(search = "") {
  const page = renderPage(<Feed />, { search });
  await waitFor(() => {
    expect(page.nexus.connections).toHaveLength(1);
  });
  act(() => {
    page.nexus.latest.says("connect");
  });
  const sends = (lines: FeedLine[], cursor = "c1") => {
    act(() => {
      page.nexus.latest.says("feed", { lines, cursor });
    });
  };
  return { ...page, sends };
}

describe("Feed", () => {
  it("shows lines in order as they come, and does not read them out", async () => {
    const { sends } = await connected();
    sends([line(2), line(1)]);

    expect(await screen.findByText("Message 2")).toBeVisible();
    const log = screen.getByRole("log");
    expect(log).toHaveAttribute("aria-live", "off");
    expect(
      within(log)
        .getAllByText(/^Message/)
        .map((each) => each.textContent),
    ).toEqual(["Message 1", "Message 2"]);
  });

  it("says what will appear when nothing has happened yet", async () => {
    await connected();
    expect(await screen.findByText("Nothing has happened yet")).toBeVisible();
    expect(screen.getByRole("link", { name: "Link a list to a channel" })).toHaveAttribute(
      "href",
      "/mappings",
    );
  });

  it("asks Nexus for the levels, sources and task of the URL", async () => {
    const { nexus } = await connected("?level=error&source=slack&task=task-1");
    await waitFor(() => {
      expect(nexus.latest.sent[0]).toMatchObject({
        name: "subscribe",
        body: { filters: { levels: ["error"], sources: ["slack"], task_id: "task-1" }, tail: 500 },
      });
    });
  });

  it("holds still while paused, counts what comes, and goes to the end again", async () => {
    const user = userEvent.setup();
    const { sends } = await connected();
    sends([line(1)]);
    await screen.findByText("Message 1");
    await user.keyboard("p");
    sends([line(2), line(3)]);
    await user.click(await screen.findByRole("button", { name: "2 new" }));
    expect(await screen.findByText("Message 3")).toBeVisible();
  });

  it("offers to clear filters when nothing matches, and says when a pattern is none", async () => {
    const user = userEvent.setup();
    const { sends } = await connected("?q=nowhere");
    sends([line(1)]);
    await user.click((await screen.findAllByRole("button", { name: "Clear filters" }))[0] as HTMLElement);
    expect(await screen.findByText("Message 1")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Regular expression" }));
    await user.type(screen.getByRole("textbox", { name: "Filter lines" }), "(");
    expect(await screen.findByText("This is no regular expression yet")).toBeVisible();
    expect(screen.getByText("Message 1")).toBeVisible();
  });

  it("resumes from where it was after a lost connection, and marks what is missing", async () => {
    const { nexus, sends } = await connected();
    sends([line(1)], "c7");
    await screen.findByText("Message 1");
    act(() => {
      nexus.latest.says("disconnect", "transport close");
    });
    await waitFor(() => {
      expect(nexus.connections).toHaveLength(2);
    });
    nexus.latest.answer = () => ({ ok: true, cursor: "c9", truncated: true });
    act(() => {
      nexus.latest.says("connect");
    });
    await waitFor(() => {
      expect(nexus.latest.sent[0]).toMatchObject({ name: "resume", body: { since: "c7" } });
    });
    sends([line(1), line(50)], "c9");
    expect(await screen.findByText("Message 50")).toBeVisible();
    expect(screen.getByText(/^Lines are missing here/)).toBeVisible();
    expect(screen.getAllByText("Message 1")).toHaveLength(1);
  });

  it("says why when live events are refused, and tries again when asked to", async () => {
    const user = userEvent.setup();
    const { nexus } = await connected();
    act(() => {
      nexus.latest.says("connect_error", new Error("forbidden"));
    });
    expect(await screen.findByText("Live events are refused")).toBeVisible();
    expect(screen.getByText("You may not see live events.")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => {
      expect(nexus.connections).toHaveLength(2);
    });
  });

  it("shows text from outside as text", async () => {
    const { sends } = await connected();
    sends([line(1, { message: "<img src=x onerror=alert(1)>" })]);
    expect(await screen.findByText("<img src=x onerror=alert(1)>")).toBeVisible();
    expect(document.querySelector("img")).toBeNull();
  });
});
