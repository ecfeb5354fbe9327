import { screen, waitFor } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { signedInAs } from "../../../tests/support/people";
import { ORIGIN, renderPage } from "../../../tests/support/render";
import { overviewOf } from "../overview/example";
import { SetupCard } from "./SetupCard";
import type { FirstRun } from "./steps";
import { Welcome } from "./Welcome";
import { WelcomeOnce } from "./WelcomeOnce";

const { replace } = vi.hoisted(() => ({ replace: vi.fn() }));
vi.mock("next/navigation", () => ({ useRouter: () => ({ replace, push: vi.fn() }) }));

const API = `${ORIGIN}/api/nexus/v1`;
const NOTHING: FirstRun = {
  clickup: false,
  slack: false,
  mapping: false,
  agent: false,
  agent_online: false,
  mirrored: false,
  mirrored_task_id: null,
};
let firstRun = NOTHING;
const none = { items: [], next_cursor: null };
const server = setupServer(
  http.get(`${API}/overview`, () => HttpResponse.json(overviewOf({ first_run: firstRun }))),
  ...["integrations", "connections", "agents", "mappings"].map((name) =>
    http.get(`${API}/${name}`, () => HttpResponse.json(none)),
  ),
);

beforeAll(() => {
  server.listen({ onUnhandledRequest: "error" });
});
beforeEach(() => {
  firstRun = NOTHING;
  localStorage.clear();
  replace.mockReset();
  server.use(signedInAs("admin"));
});
afterEach(() => {
  server.resetHandlers();
});
afterAll(() => {
  server.close();
});

test("a step that is done anywhere ticks by itself, and the next one opens", async () => {
  renderPage(<Welcome />);
  expect(await screen.findByText("0 of 6 steps are done. Next: Connect ClickUp.")).toBeVisible();
  expect(screen.getByRole("button", { name: "Connect ClickUp" })).toBeVisible();
  firstRun = { ...NOTHING, clickup: true };
  await waitFor(
    () => {
      expect(screen.getByText("1 of 6 steps are done. Next: Connect Slack.")).toBeVisible();
    },
    { timeout: 8000 },
  );
  expect(screen.getByRole("heading", { name: "Connect ClickUp, done" })).toBeVisible();
});

test("the end leads to the task and to the overview", async () => {
  firstRun = overviewOf().first_run;
  renderPage(<Welcome />);
  expect(await screen.findByRole("heading", { name: "You are set up" })).toBeVisible();
  expect(screen.getByRole("link", { name: "See that task" })).toHaveAttribute("href", "/tasks?task=t1");
});

test("a viewer reads who has to do it", async () => {
  server.use(signedInAs("viewer"));
  renderPage(<Welcome />);
  expect(await screen.findByText("An admin has to do some of this")).toBeVisible();
  expect(screen.getByRole("button", { name: "Connect ClickUp" })).toHaveAttribute("aria-disabled", "true");
});

test("an empty system welcomes people once", async () => {
  const first = renderPage(<WelcomeOnce firstRun={NOTHING} />);
  await waitFor(() => {
    expect(replace).toHaveBeenCalledExactlyOnceWith("/welcome");
  });
  first.unmount();
  replace.mockReset();
  renderPage(<WelcomeOnce firstRun={NOTHING} />);
  expect(replace).not.toHaveBeenCalled();
});

test("a system that is in use begins with the overview", () => {
  localStorage.clear();
  renderPage(<WelcomeOnce firstRun={{ ...NOTHING, clickup: true }} />);
  expect(replace).not.toHaveBeenCalled();
});

test("the card on the overview is there until the way was gone", () => {
  const { unmount } = renderPage(<SetupCard firstRun={{ ...NOTHING, clickup: true }} />);
  expect(screen.getByText("5 steps left. Next: Connect Slack.")).toBeVisible();
  unmount();
  renderPage(<SetupCard firstRun={overviewOf().first_run} />);
  expect(screen.queryByRole("complementary")).not.toBeInTheDocument();
});
