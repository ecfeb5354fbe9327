import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { signedInAs } from "../../../tests/support/people";
import { ORIGIN, renderPage } from "../../../tests/support/render";
import { Connections } from "./Connections";
import type { Connection, Integration } from "./connections/connecting";

const API = `${ORIGIN}/api/nexus/v1`;
const CLICKUP: Integration = {
  vendor: "clickup",
  role: "tracker",
  title: "ClickUp",
  summary: "Tasks.",
  steps: ["Open https://app.clickup.com/settings and copy the token."],
  docs_url: "https://developer.clickup.com/docs",
  manifest: null,
  fields: [
    { name: "token", label: "API token", secret: true, required: true, help: "", placeholder: "pk_…" },
    { name: "team_id", label: "Workspace ID", secret: false, required: false, help: "", placeholder: "" },
  ],
};
const SLACK: Integration = {
  ...CLICKUP,
  vendor: "slack",
  role: "chat",
  title: "Slack",
  manifest: "name: Oblivion",
};
const ACME: Connection = {
  id: "c1",
  vendor: "clickup",
  workspace_id: "9011",
  name: "Acme",
  state: "ok",
  broken_reason: null,
  checks: [{ name: "Access", state: "ok", detail: "Connected to Acme." }],
  checked_at: "2026-03-01T10:00:00Z",
  created_at: "2026-03-01T10:00:00Z",
};
let connections: Connection[];
const server = setupServer(
  http.get(`${API}/connections`, () => HttpResponse.json({ items: connections, next_cursor: null })),
  http.get(`${API}/integrations`, () => HttpResponse.json({ items: [CLICKUP, SLACK], next_cursor: null })),
  http.post(`${API}/connections/c1/test`, () =>
    HttpResponse.json({
      ok: true,
      checks: [
        { name: "Token", state: "ok", detail: "Works, as Oblivion." },
        { name: "Webhook", state: "ok", detail: "Active, to https://nexus.example.com." },
        {
          name: "Last event",
          state: "warning",
          detail: "Nothing came yet.",
          hint: "Change something there.",
        },
      ],
    }),
  ),
);

beforeAll(() => {
  server.listen({ onUnhandledRequest: "error" });
});
beforeEach(() => {
  connections = [];
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

test("connecting leads from the steps over a refusal to a verdict for each thing that has to be right", async () => {
  const asked: unknown[] = [];
  server.use(
    http.post(`${API}/connections`, async ({ request }) => {
      asked.push(await request.json());
      if (asked.length === 1) return refusal(422, "rejected", "ClickUp refused the token.");
      connections = [ACME];
      return HttpResponse.json(ACME, { status: 201 });
    }),
  );
  renderPage(<Connections />);
  await userEvent.click(await screen.findByRole("button", { name: "Connect ClickUp" }));
  const drawer = within(await screen.findByRole("dialog", { name: "Connect ClickUp" }));
  expect(drawer.getByRole("link", { name: "https://app.clickup.com/settings" })).toHaveAttribute(
    "rel",
    "noreferrer",
  );
  await userEvent.click(drawer.getByRole("button", { name: "Connect ClickUp" }));
  expect(drawer.getByText("API token is needed.")).toBeVisible();
  expect(asked).toEqual([]);
  await userEvent.type(drawer.getByLabelText("API token"), " pk_1 {Enter}");
  expect(await drawer.findByText("ClickUp refused the token.")).toBeVisible();
  expect(drawer.getByRole("button", { name: "Copy request id" })).toBeVisible();
  await userEvent.click(drawer.getByRole("button", { name: "Connect ClickUp" }));
  expect(await drawer.findByText("Acme is connected")).toBeVisible();
  expect(await drawer.findByText("It works, with 1 warning.")).toBeVisible();
  expect(drawer.getByText("Active, to https://nexus.example.com.")).toBeVisible();
  expect(drawer.getByText("Change something there.")).toBeVisible();
  expect(asked).toEqual(Array(2).fill({ vendor: "clickup", credentials: { token: "pk_1" } }));
});

test("Slack comes with a manifest to copy", async () => {
  renderPage(<Connections />, { search: "?connect=slack" });
  expect(await screen.findByRole("button", { name: "Copy manifest" })).toBeVisible();
  expect(screen.getByLabelText("manifest")).toHaveTextContent("name: Oblivion");
});

test("credentials of another workspace are not passed off as a renewal", async () => {
  connections = [{ ...ACME, id: "c0", name: "Old", workspace_id: "1" }];
  server.use(http.post(`${API}/connections`, () => HttpResponse.json(ACME, { status: 201 })));
  renderPage(<Connections />, { search: "?renew=c0" });
  await userEvent.type(await screen.findByLabelText("API token"), "pk_1{Enter}");
  expect(await screen.findByText("These credentials are of another workspace: Acme")).toBeVisible();
});

test("a connection over which lists are linked is removed only after a second question", async () => {
  connections = [ACME];
  const asked: string[] = [];
  server.use(
    http.delete(`${API}/connections/c1`, ({ request }) => {
      const force = new URL(request.url).searchParams.get("force") ?? "";
      asked.push(force);
      if (force !== "true") return refusal(409, "in_use", "3 lists are linked over this connection.");
      connections = [];
      return new HttpResponse(null, { status: 204 });
    }),
  );
  renderPage(<Connections />);
  await userEvent.click(await screen.findByRole("button", { name: "More for Acme" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Remove Acme…" }));
  await userEvent.click(await screen.findByRole("button", { name: "Remove Acme" }));
  expect(await screen.findByText("3 lists are linked over this connection.")).toBeVisible();
  expect(asked).toEqual(["false"]);
  await userEvent.click(screen.getByRole("button", { name: "Unlink all and remove Acme" }));
  expect(await screen.findByText("Connect your first workspaces")).toBeVisible();
  expect(asked).toEqual(["false", "true"]);
});
