import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { signedInAs } from "../../../tests/support/people";
import { ORIGIN, renderPage } from "../../../tests/support/render";
import { overviewOf } from "./example";
import { Overview } from "./Overview";
import type { Overview as OverviewModel } from "./verdict";

// What draws needs a layout, which there is none of here.
vi.mock("next/navigation", () => ({ useRouter: () => ({ replace: vi.fn() }) }));
vi.mock("./plots", () => ({ Throughput: () => null, Latency: () => null }));

const API = `${ORIGIN}/api/nexus/v1`;
let overview: OverviewModel = overviewOf();
let asked: string[] = [];
const server = setupServer(
  http.get(`${API}/overview`, ({ request }) => {
    asked.push(new URL(request.url).searchParams.get("minutes") ?? "");
    return HttpResponse.json(overview);
  }),
  signedInAs("viewer"),
);

beforeAll(() => {
  server.listen({ onUnhandledRequest: "error" });
});
beforeEach(() => {
  overview = overviewOf();
  asked = [];
});
afterEach(() => {
  server.resetHandlers();
});
afterAll(() => {
  server.close();
});

const bucket = { at: "2026-03-12T13:58:00Z", received: 4, delivered: 3, failed: 1, p95_ms: 820 };

test("the first thing to read is a sentence", async () => {
  renderPage(<Overview />);
  expect(await screen.findByRole("heading", { name: "Everything is answered" })).toBeVisible();
  expect(screen.getByText("12 came in, 30 delivered, 0 failed in the last hour.")).toBeVisible();
});

test("what has no answer is listed with its reason, and leads to where it can be mended", async () => {
  const since = new Date(Date.now() - 240_000).toISOString();
  overview = overviewOf({
    generated_at: new Date().toISOString(),
    unanswered: {
      count: 2,
      oldest_seconds: 240,
      items: [
        { id: "d1", kind: "delivery", title: "<b>Export</b>", why: "It was given up.", since, task_id: "t1" },
        {
          id: "c1",
          kind: "task",
          title: "Login",
          why: "Its list is linked to no channel.",
          since,
          task_id: "c1",
        },
      ],
    },
  });
  renderPage(<Overview />);
  expect(
    await screen.findByRole("heading", { name: /2 messages have no answer; the oldest for 4 min/ }),
  ).toBeVisible();
  const list = screen.getByRole("list", { name: "Unanswered" });
  expect(within(list).getByRole("link", { name: "<b>Export</b>" })).toHaveAttribute(
    "href",
    "/dead-letters?delivery=d1",
  );
  expect(within(list).getByRole("link", { name: "Login" })).toHaveAttribute("href", "/tasks?task=c1");
  expect(within(list).getByRole("link", { name: "Link it" })).toHaveAttribute("href", "/mappings");
});

test("counts that come over the socket change the sentence before anything is read anew", async () => {
  const { nexus } = renderPage(<Overview />);
  await screen.findByRole("heading", { name: "Everything is answered" });
  const stats = { unanswered: 5, waiting_tasks: 2, dead: 1, agents_online: 2, at: new Date().toISOString() };
  act(() => {
    nexus.latest.says("connect");
  });
  await waitFor(() => {
    expect(asked).toContain("5"); // what was missed while there was no connection is read first
  });
  act(() => {
    nexus.latest.says("stats", stats);
  });
  expect(await screen.findByRole("heading", { name: /5 messages have no answer/ })).toBeVisible();
});

test("each check says in words what to do", async () => {
  const hint = "It is activated again within a minute.";
  overview = overviewOf({
    vendors: [
      {
        connection_id: "c1",
        vendor: "clickup",
        name: "Acme",
        state: "down",
        checks: [{ name: "Webhook", state: "failed", detail: "ClickUp suspended it.", hint }],
        checked_at: null,
      },
    ],
  });
  renderPage(<Overview />);
  const card = await screen.findByRole("article", { name: "ClickUp: Acme" });
  expect(within(card).getByText("ClickUp suspended it.")).toBeVisible();
  expect(within(card).getByText(hint)).toBeVisible();
  expect(screen.getByRole("heading", { name: "Everything is answered, but ClickUp is down" })).toBeVisible();
});

test("another range is asked for, and the charts have a table beside them", async () => {
  overview = overviewOf({ series: [bucket] });
  renderPage(<Overview />);
  await userEvent.click(await screen.findByRole("radio", { name: "24 h" }));
  expect(await screen.findByText(/in the last 24 hours\.$/)).toBeVisible();
  expect(asked).toContain("1440");
  expect(
    screen.getByRole("img", { name: /Throughput: 3 delivered, 1 failed in the last 24 hours/ }),
  ).toBeVisible();
  await userEvent.click(screen.getByRole("radio", { name: "Table" }));
  const table = await screen.findByRole("table", { name: /History in the last 24 hours/ });
  expect(within(table).getByText("820 ms")).toBeVisible();
});

test("an overview that cannot be read is an error, not a good sign", async () => {
  const problem = { title: "Error", status: 500, code: "internal", detail: "It broke.", request_id: "req-9" };
  server.use(http.get(`${API}/overview`, () => HttpResponse.json(problem, { status: 500 })));
  renderPage(<Overview />);
  expect(await screen.findByText("The overview could not be read")).toBeVisible();
  expect(screen.getByText("req-9")).toBeVisible();
  expect(screen.queryByText(/Everything is answered/)).not.toBeInTheDocument();
});
