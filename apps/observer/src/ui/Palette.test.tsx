import { spotlight } from "@mantine/spotlight";
import { act, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { ORIGIN, renderPage } from "../../tests/support/render";
import { Palette } from "./Palette";

const push = vi.hoisted(() => vi.fn());
vi.mock("next/navigation", () => ({ useRouter: () => ({ push }) }));

const server = setupServer(
  http.get(`${ORIGIN}/api/nexus/v1/agents`, () =>
    HttpResponse.json({ items: [{ id: "a1", name: "builder", online: true }], next_cursor: null }),
  ),
  http.get(`${ORIGIN}/api/nexus/v1/tasks`, ({ request }) => {
    const q = new URL(request.url).searchParams.get("q");
    const task = { id: "t1", title: `Fix the ${q ?? ""}`, state: "working", list_name: "Sprint" };
    return HttpResponse.json({ items: [task], next_cursor: null });
  }),
);
beforeAll(() => {
  server.listen({ onUnhandledRequest: "error" });
});
afterEach(() => {
  server.resetHandlers();
  act(() => {
    spotlight.close();
  });
  push.mockReset();
});
afterAll(() => {
  server.close();
});

async function ask(words: string): Promise<void> {
  renderPage(<Palette />);
  act(() => {
    spotlight.open();
  });
  await userEvent.type(await screen.findByRole("textbox", { name: "Search or jump to" }), words);
}

test("a page is found by a part of its name, and Enter goes there", async () => {
  await ask("mapp");
  await screen.findByText("Mappings");
  await userEvent.keyboard("{Enter}");
  expect(push).toHaveBeenCalledExactlyOnceWith("/mappings");
});

test("an agent is found by its name, and Enter takes it although it came late", async () => {
  let answer = (): void => undefined;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  server.use(
    http.get(`${ORIGIN}/api/nexus/v1/agents`, async () => {
      await answered;
      return HttpResponse.json({ items: [{ id: "a1", name: "builder", online: true }], next_cursor: null });
    }),
  );
  await ask("build");
  answer();
  await screen.findByText("builder");
  await userEvent.keyboard("{Enter}");
  expect(push).toHaveBeenCalledExactlyOnceWith("/agents?agent=builder");
});

test("a task is found by its title, with its state and list", async () => {
  await ask("login");
  expect(await screen.findByText("Working · Sprint")).toBeVisible();
  await userEvent.click(screen.getByText("Fix the login"));
  expect(push).toHaveBeenCalledExactlyOnceWith("/tasks?task=t1");
});
