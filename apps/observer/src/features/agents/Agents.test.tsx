import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { signedInAs } from "../../../tests/support/people";
import { ORIGIN, renderPage } from "../../../tests/support/render";
import { Agents } from "./Agents";
import { agentOf, sessionOf } from "./example";
import type { Agent } from "./roster";

const API = `${ORIGIN}/api/nexus/v1`;
const SECRET = "obl_sk_seen-once";
let roster: Agent[];
const server = setupServer(
  http.get(`${API}/agents`, () => HttpResponse.json({ items: roster, next_cursor: null })),
);

beforeAll(() => {
  server.listen({ onUnhandledRequest: "error" });
});
beforeEach(() => {
  roster = [
    agentOf("mira", { online: true, capacity: 2, load: 1, sessions: [sessionOf("1.2.0", ["fix_bug"])] }),
    agentOf("noor", { muted: true, muted_reason: "posts too much", muted_at: "2026-03-01T10:00:00Z" }),
  ];
  server.use(signedInAs("admin"));
});
afterEach(() => {
  server.resetHandlers();
});
afterAll(() => {
  server.close();
});

function refusal(status: number, code: string, detail: string) {
  const body = { title: "Refused", status, code, detail, request_id: "req-12345678" };
  return HttpResponse.json(body, { status });
}

async function row(name: string): Promise<HTMLElement> {
  return screen.findByRole("row", { name: new RegExp(name) });
}

test("the roster says who is there, what they run and how busy they are", async () => {
  renderPage(<Agents />);
  const mira = within(await row("mira"));
  expect(mira.getByText("Online")).toBeVisible();
  expect(mira.getByText("1.2.0")).toBeVisible();
  expect(mira.getByText("fix_bug")).toBeVisible();
  expect(mira.getByText("1 of 2 slots taken")).toBeInTheDocument();
  expect(within(await row("noor")).getByLabelText("Muted: posts too much")).toBeVisible();
});

test("an agent that comes is online the moment that the socket says so", async () => {
  const { nexus } = renderPage(<Agents />);
  const noor = within(await row("noor"));
  expect(noor.getByText("Offline")).toBeVisible();
  await waitFor(() => {
    nexus.latest.says("connect");
  });
  const agents = roster.map(({ id, name, capacity, load, muted }) => ({
    id,
    name,
    online: true,
    capacity,
    load,
    muted,
  }));
  nexus.latest.says("presence", { agents });
  expect(await noor.findByText("Online")).toBeVisible();
});

test("an unmute that Nexus refuses is taken back, with the reason and the request id", async () => {
  server.use(
    http.post(`${API}/agents/noor/unmute`, () => refusal(404, "not_found", "There is no agent noor.")),
  );
  renderPage(<Agents />);
  await row("noor");
  await userEvent.click(await screen.findByRole("button", { name: "Unmute noor" }));
  expect(await screen.findByText("Could not unmute noor")).toBeVisible();
  expect(screen.getByText("There is no agent noor.")).toBeVisible();
  expect(screen.getByRole("button", { name: "Copy request id" })).toBeVisible();
  expect(screen.getByRole("button", { name: "Unmute noor" })).toBeVisible();
});

test("how much an agent may say is changed where it is shown, and what is held is counted", async () => {
  const asked: unknown[] = [];
  roster = roster.map((one) => (one.name === "noor" ? { ...one, held: 1234 } : one));
  server.use(
    http.patch(`${API}/agents/noor`, async ({ request }) => {
      const body = (await request.json()) as { messages_per_minute: number };
      asked.push(body);
      roster = roster.map((one) => (one.name === "noor" ? { ...one, ...body } : one));
      return HttpResponse.json(roster.find((one) => one.name === "noor"));
    }),
  );
  renderPage(<Agents />, { search: "?agent=noor" });
  expect(await screen.findByText(/1,234 messages are held back/)).toBeVisible();
  expect(screen.getByText(/says more than 10 things within a minute/)).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Change" }));
  const field = screen.getByLabelText("Messages a minute");
  await userEvent.clear(field);
  await userEvent.type(field, "30");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByText(/says more than 30 things within a minute/)).toBeVisible();
  expect(asked).toEqual([{ messages_per_minute: 30 }]);
});

test("a viewer may look, and reads why not more", async () => {
  server.use(signedInAs("viewer"));
  renderPage(<Agents />, { search: "?new=true" });
  await row("noor");
  const unmute = await screen.findByRole("button", { name: "Unmute noor" });
  expect(unmute).toHaveAttribute("aria-disabled", "true");
  await userEvent.hover(unmute);
  expect(
    await screen.findByText("Your role is viewer. Only an operator or an admin can do this."),
  ).toBeVisible();
  expect(screen.queryByRole("dialog")).toBeNull();
});

test("the secret of a new agent is shown once, ready to paste, until the person has stored it", async () => {
  const asked: unknown[] = [];
  server.use(
    http.post(`${API}/agents`, async ({ request }) => {
      asked.push(await request.json());
      roster = [...roster, agentOf("otto")];
      const made = { id: "otto", name: "otto", client_id: "agt_otto", client_secret: SECRET };
      return HttpResponse.json(made, { status: 201 });
    }),
  );
  renderPage(<Agents />);
  await row("mira");
  await userEvent.click(await screen.findByRole("button", { name: /New agent/ }));
  const dialog = await screen.findByRole("dialog", { name: "New agent" });
  await userEvent.type(within(dialog).getByLabelText("Name"), "mira{Enter}");
  expect(await within(dialog).findByText(/There is an agent mira already/)).toBeVisible();
  await userEvent.clear(within(dialog).getByLabelText("Name"));
  await userEvent.type(within(dialog).getByLabelText("Name"), "otto{Enter}");
  const shown = await screen.findByLabelText("environment variables");
  expect(shown).toHaveTextContent(`export AGENT_ID=agt_otto export AGENT_SECRET=${SECRET}`);
  expect(asked).toEqual([{ name: "otto", skills: [], aliases: [] }]);
  await userEvent.keyboard("{Escape}");
  expect(shown).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "I have stored the secret" }));
  expect(await screen.findByRole("button", { name: "Rotate secret" })).toBeVisible();
  await waitFor(() => {
    expect(document.body).not.toHaveTextContent(SECRET);
  });
});

test("revoking says what it ends, and Nexus is asked only after that", async () => {
  let revoked = 0;
  server.use(
    http.delete(`${API}/agents/mira`, () => {
      revoked += 1;
      roster = roster.map((agent) =>
        agent.name === "mira" ? { ...agent, online: false, revoked_at: "2026-03-02T10:00:00Z" } : agent,
      );
      return new HttpResponse(null, { status: 204 });
    }),
  );
  renderPage(<Agents />, { search: "?agent=mira" });
  await userEvent.click(await screen.findByRole("button", { name: "Revoke mira" }));
  const dialog = await screen.findByRole("dialog", { name: "Revoke mira?" });
  expect(within(dialog).getByText(/It holds a task now/)).toBeVisible();
  expect(revoked).toBe(0);
  await userEvent.click(within(dialog).getByRole("button", { name: "Revoke mira" }));
  expect(await screen.findByText("mira is revoked.")).toBeVisible();
  expect(revoked).toBe(1);
  expect(await screen.findByText("This agent is revoked")).toBeVisible();
});

test("a filter that nothing passes can be cleared", async () => {
  renderPage(<Agents />, { search: "?q=nobody&show=online" });
  expect(await screen.findByText("No agent matches")).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Clear filters" }));
  expect(await row("noor")).toBeVisible();
});

test("an empty roster says what an agent is and leads to the first", async () => {
  roster = [];
  renderPage(<Agents />);
  expect(await screen.findByText("No agents yet")).toBeVisible();
  expect(screen.getAllByRole("button", { name: /New agent/ }).length).toBeGreaterThan(0);
});

test("an agent in the URL that does not exist is said, not left blank", async () => {
  renderPage(<Agents />, { search: "?agent=ghost" });
  expect(await screen.findByText("There is no agent ghost")).toBeVisible();
});

test("a roster that cannot be read is an error with its request id, not an empty roster", async () => {
  server.use(http.get(`${API}/agents`, () => refusal(500, "internal", "This is a bug of ours.")));
  renderPage(<Agents />);
  expect(await screen.findByText("The agents could not be read")).toBeVisible();
  expect(screen.getByText("req-12345678")).toBeVisible();
  expect(screen.queryByText("No agents yet")).toBeNull();
});
