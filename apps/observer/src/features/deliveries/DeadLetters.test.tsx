import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { signedInAs } from "../../../tests/support/people";
import { ORIGIN, renderPage } from "../../../tests/support/render";
import { overviewOf } from "../overview/example";
import { DeadLetters } from "./DeadLetters";
import type { Delivery, Group } from "./words";

const API = `${ORIGIN}/api/nexus/v1`;
const FINGERPRINT = "0123456789abcdef";
const REASON = "The channel does not exist any more.";

/** What is dead at Nexus, and what was asked of it. */
let dead: Delivery[] = [];
let asked: unknown[] = [];
let answer: () => Response | null = () => null;

function row(id: string, title: string): Delivery {
  return {
    id,
    origin: "outbox",
    sink: "slack",
    tool: "slack",
    kind: "reply",
    state: "dead",
    attempts: 3,
    reason: REASON,
    fingerprint: FINGERPRINT,
    title,
    task_id: "t1",
    created_at: "2026-03-12T14:00:00Z",
    updated_at: "2026-03-12T14:05:00Z",
  };
}

function groups(): Group[] {
  const [first] = dead;
  if (first === undefined) return [];
  return [
    {
      fingerprint: FINGERPRINT,
      reason: REASON,
      sample_id: first.id,
      sinks: ["slack"],
      kinds: ["reply"],
      count: dead.length,
      first_seen_at: first.created_at,
      last_seen_at: first.updated_at,
    },
  ];
}

const rows = [
  row("11111111-1111-4111-8111-111111111111", "Export"),
  row("22222222-2222-4222-8222-222222222222", "Login"),
];
const server = setupServer(
  http.get(`${API}/overview`, () => HttpResponse.json(overviewOf())),
  http.get(`${API}/deliveries/groups`, () => HttpResponse.json({ items: groups(), next_cursor: null })),
  http.get(`${API}/deliveries`, () => HttpResponse.json({ items: dead, next_cursor: null })),
  http.get(`${API}/explain/:id`, ({ params }) =>
    HttpResponse.json({
      id: params.id,
      kind: "delivery",
      state: "dead",
      summary: "It was given up.",
      steps: [],
    }),
  ),
  http.get(`${API}/deliveries/:id`, ({ params }) => {
    const found = rows.find(({ id }) => id === params.id);
    const state = dead.some(({ id }) => id === params.id) ? "dead" : "done";
    const history = [{ at: "2026-03-12T14:05:00Z", outcome: "dead", reason: REASON }];
    const more = {
      payload: { token: "••••" },
      history,
      conversation_id: null,
      external_id: null,
      traceparent: null,
    };
    return HttpResponse.json({ ...found, state, ...more });
  }),
  http.post(`${API}/deliveries/replay`, async ({ request }) => {
    const body = (await request.json()) as { ids: string[]; all: boolean };
    asked.push(body);
    const refusal = answer();
    if (refusal !== null) return refusal;
    const taken = body.ids.length > 0 ? body.ids : dead.map(({ id }) => id);
    dead = dead.filter(({ id }) => !taken.includes(id));
    return HttpResponse.json({
      items: taken.map((id) => ({ id, outcome: "replayed" })),
      remaining: dead.length,
    });
  }),
);

beforeAll(() => {
  server.listen({ onUnhandledRequest: "error" });
});
beforeEach(() => {
  dead = [...rows];
  asked = [];
  answer = () => null;
  server.use(signedInAs("operator"));
});
afterEach(() => {
  server.resetHandlers();
});
afterAll(() => {
  server.close();
});

async function openCause(): Promise<HTMLElement> {
  renderPage(<DeadLetters />);
  await userEvent.click(await screen.findByRole("button", { name: /The channel does not exist/ }));
  return screen.findByRole("table");
}

function rowOf(title: string): HTMLElement {
  const found = screen.getByRole("button", { name: title }).closest("tr");
  if (found === null) throw new Error(`There is no row of ${title}.`);
  return found;
}

test("a replayed row stays in sight and tells what became of it", async () => {
  await openCause();
  await userEvent.click(within(rowOf("Export")).getByRole("button", { name: "Replay" }));
  await waitFor(() => {
    expect(within(rowOf("Export")).getByRole("status")).toHaveTextContent("Delivered");
  });
  expect(asked).toEqual([{ ids: [rows[0]?.id], all: false }]);
  expect(await screen.findByText("1 dead letter of 1 cause")).toBeVisible();
  expect(within(rowOf("Login")).getByRole("button", { name: "Replay" })).toBeVisible();
});

test("a refused replay leaves the row and the count as they were, with the reason and the request id", async () => {
  answer = () =>
    HttpResponse.json(
      {
        title: "Forbidden",
        status: 403,
        code: "forbidden",
        detail: "Your role was changed.",
        request_id: "req-7",
      },
      { status: 403 },
    );
  await openCause();
  await userEvent.click(within(rowOf("Export")).getByRole("button", { name: "Replay" }));
  expect(await screen.findByText("Could not replay 1 dead letter")).toBeVisible();
  expect(screen.getByText("Your role was changed.")).toBeVisible();
  expect(screen.getByText("req-7")).toBeVisible();
  expect(screen.getByText("2 dead letters of 1 cause")).toBeVisible();
  expect(within(rowOf("Export")).getByRole("button", { name: "Replay" })).toBeVisible();
});

test("a whole cause is replayed only after a question that names the number", async () => {
  await openCause();
  await userEvent.click(screen.getByRole("button", { name: "Replay 2" }));
  expect(asked).toEqual([]);
  await userEvent.click(await screen.findByRole("button", { name: "Replay 2 dead letters" }));
  expect(await screen.findByText("All replayed")).toBeVisible();
  expect(asked).toEqual([{ fingerprint: FINGERPRINT, ids: [], all: false }]);
  expect(screen.getByText("Nothing is dead any more.")).toBeVisible();
});

test("selected rows are replayed together", async () => {
  await openCause();
  await userEvent.click(screen.getByRole("checkbox", { name: "Select all rows" }));
  await userEvent.click(screen.getByRole("button", { name: "Replay 2 selected" }));
  await userEvent.click(await screen.findByRole("button", { name: "Replay 2 dead letters" }));
  await waitFor(() => {
    expect(within(rowOf("Login")).getByRole("status")).toHaveTextContent("Delivered");
  });
  expect(screen.queryByRole("button", { name: /selected/ })).not.toBeInTheDocument();
});

test("a viewer can look into a dead letter and read why it cannot be replayed", async () => {
  server.use(signedInAs("viewer"));
  await openCause();
  await userEvent.click(screen.getByRole("button", { name: "Export" }));
  const drawer = await screen.findByRole("dialog");
  expect(await within(drawer).findByText("It was given up.")).toBeVisible();
  expect(within(drawer).getByText(/"••••"/)).toBeVisible();
  const replay = within(drawer).getByRole("button", { name: /Replay/ });
  expect(replay).toHaveAttribute("aria-disabled", "true");
  await userEvent.hover(replay);
  expect(await screen.findByText(/Your role is viewer/)).toBeVisible();
  await userEvent.click(replay);
  expect(asked).toEqual([]);
});

test("nothing dead is good news", async () => {
  dead = [];
  renderPage(<DeadLetters />);
  expect(await screen.findByRole("heading", { name: "No dead letters" })).toBeVisible();
  expect(screen.queryByRole("button", { name: "Replay all" })).not.toBeInTheDocument();
});

test("Nexus failing is not the same as nothing being dead", async () => {
  server.use(
    http.get(`${API}/deliveries/groups`, () =>
      HttpResponse.json(
        { title: "Error", status: 500, code: "internal", detail: "It broke." },
        { status: 500 },
      ),
    ),
  );
  renderPage(<DeadLetters />);
  expect(await screen.findByText("The dead letters could not be read")).toBeVisible();
  expect(screen.getByText("It broke.")).toBeVisible();
  expect(screen.queryByText("No dead letters")).not.toBeInTheDocument();
});
