import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { signedInAs } from "../../../tests/support/people";
import { ORIGIN, renderPage } from "../../../tests/support/render";
import type { Task } from "./params";
import { Tasks } from "./Tasks";

const API = `${ORIGIN}/api/nexus/v1`;
const TASK: Task = {
  id: "task-1",
  conversation_id: "conversation-1",
  title: "Export loses a row",
  type: "fix_bug",
  state: "submitted",
  mirror: "mirrored",
  reason: "agent_offline",
  agent: null,
  epoch: 1,
  alias: "AI_Squad",
  requested_by: "Dana",
  waiting_seconds: 250,
  open_question: false,
  item_id: "item-1",
  list_id: "list-1",
  list_name: "Inbox",
  channel_id: "C1",
  channel_name: "ai-squad",
  root_ts: null,
  url: "https://example.com",
  trace_id: null,
  created_at: "2026-03-12T13:00:00Z",
  updated_at: "2026-03-12T13:00:00Z",
};

let asked: URL[] = [];
const server = setupServer();
beforeAll(() => {
  server.listen({ onUnhandledRequest: "bypass" });
});
beforeEach(() => {
  asked = [];
  const empty = () => HttpResponse.json({ items: [], next_cursor: null });
  server.use(
    signedInAs("operator"),
    http.get(`${API}/agents`, empty),
    http.get(`${API}/mappings`, empty),
    http.get(`${API}/tasks/:id/timeline`, empty),
    http.get(`${API}/tasks/:id/conversation`, empty),
    http.get(`${API}/tasks/:id`, () => HttpResponse.json(TASK)),
    http.get(`${API}/tasks`, ({ request }) => {
      const url = new URL(request.url);
      asked.push(url);
      const items = url.searchParams.get("q") === "nowhere" ? [] : [TASK];
      return HttpResponse.json({ items, next_cursor: null });
    }),
  );
});
afterEach(() => {
  server.resetHandlers();
});
afterAll(() => {
  server.close();
});

describe("Tasks", () => {
  it("says in the row for how long a task has waited, and for what", async () => {
    renderPage(<Tasks />);
    expect(await screen.findByText("4 min: no agent online")).toBeVisible();
  });

  it("asks Nexus for what the URL filters by", async () => {
    renderPage(<Tasks />, { search: "?waiting=true&agent=fixer&list=list-1" });
    await waitFor(() => {
      expect(asked[0]?.searchParams.get("waiting")).toBe("true");
    });
    expect(asked[0]?.searchParams.get("agent")).toBe("fixer");
    expect(asked[0]?.searchParams.get("list_id")).toBe("list-1");
  });

  it("offers to clear filters when no task matches", async () => {
    const user = userEvent.setup();
    renderPage(<Tasks />, { search: "?q=nowhere" });
    expect(await screen.findByText("No task matches")).toBeVisible();
    const [button] = screen.getAllByRole("button", { name: "Clear filters" });
    if (button === undefined) throw new Error("There is no button");
    await user.click(button);
    expect(await screen.findByText("Export loses a row")).toBeVisible();
  });

  it("tells a failure from emptiness, with its request id", async () => {
    server.use(
      http.get(`${API}/tasks`, () =>
        HttpResponse.json(
          { title: "Broken", status: 500, code: "internal", detail: "It broke.", request_id: "req-1" },
          { status: 500 },
        ),
      ),
    );
    renderPage(<Tasks />);
    expect(await screen.findByText("The tasks could not be read")).toBeVisible();
    expect(screen.getByText("req-1")).toBeVisible();
  });

  it("lets a viewer read why nothing can be stopped, and stops nothing", async () => {
    server.use(signedInAs("viewer"));
    renderPage(<Tasks />, { search: "?task=task-1" });
    const button = await screen.findByRole("button", { name: "Stop task" });
    await waitFor(() => {
      expect(button).toHaveAttribute("aria-disabled", "true");
    });
    await userEvent.click(button);
    expect(screen.queryByText("Stop “Export loses a row”?")).not.toBeInTheDocument();
  });

  it("names the task before it stops it, and takes it back when Nexus refuses", async () => {
    const user = userEvent.setup();
    let refused = 0;
    // Reading anew would hide that nothing was taken back: after the refusal no read is answered.
    const answered = (body: object) => () =>
      refused === 0 ? HttpResponse.json(body) : new Promise<never>(() => undefined);
    server.use(
      http.get(`${API}/tasks/:id`, answered(TASK)),
      http.get(`${API}/tasks`, answered({ items: [TASK], next_cursor: null })),
      http.post(`${API}/tasks/task-1/cancel`, () => {
        refused += 1;
        return HttpResponse.json(
          {
            title: "Conflict",
            status: 409,
            code: "over",
            detail: "The task is over already.",
            request_id: "req-2",
          },
          { status: 409 },
        );
      }),
    );
    renderPage(<Tasks />, { search: "?task=task-1" });
    const button = await screen.findByRole("button", { name: "Stop task" });
    await waitFor(() => {
      expect(button).not.toHaveAttribute("aria-disabled");
    });
    await user.click(button);
    await user.click(await screen.findByRole("button", { name: "Stop “Export loses a row”" }));
    expect(await screen.findByText("The task is over already.")).toBeInTheDocument();
    expect(refused).toBe(1);
    const table = screen.getByRole("table", { name: "Tasks", hidden: true });
    await waitFor(() => {
      expect(within(table).getByText("Waiting for an agent")).toBeInTheDocument();
    });
  });
});
