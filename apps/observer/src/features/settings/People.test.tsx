import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { signedInAs } from "../../../tests/support/people";
import { ORIGIN, renderPage } from "../../../tests/support/render";
import { People } from "./People";
import type { Member } from "./people/members";

const API = `${ORIGIN}/api/nexus/v1`;
let members: Member[];
const server = setupServer(
  http.get(`${API}/members`, () => HttpResponse.json({ items: members, next_cursor: null })),
);

beforeAll(() => {
  server.listen({ onUnhandledRequest: "error" });
});
beforeEach(() => {
  members = [member("admin@local.test", "admin"), member("bob@example.com", "viewer")];
  server.use(signedInAs("admin"));
});
afterEach(() => {
  server.resetHandlers();
});
afterAll(() => {
  server.close();
});

function member(email: string, role: Member["role"]): Member {
  return { email, role, created_at: "2026-03-01T10:00:00Z", last_seen_at: null };
}

test("the last admin can be neither removed nor demoted, and the page says why", async () => {
  renderPage(<People />);
  const admin = within(await screen.findByRole("row", { name: /admin@local\.test/ }));
  const remove = admin.getByRole("button", { name: "Remove admin@local.test" });
  expect(remove).toHaveAttribute("aria-disabled", "true");
  await userEvent.hover(remove);
  expect(
    await screen.findByText("admin@local.test is the last admin. Make somebody else an admin first."),
  ).toBeVisible();
  await waitFor(() => {
    expect(screen.getByLabelText("Role of admin@local.test", { selector: "input" })).toBeDisabled();
  });
});

test("a person who was removed is back with their role after Undo", async () => {
  const put: unknown[] = [];
  server.use(
    http.delete(`${API}/members/:email`, ({ params }) => {
      members = members.filter(({ email }) => email !== params.email);
      return new HttpResponse(null, { status: 204 });
    }),
    http.put(`${API}/members/:email`, async ({ request }) => {
      put.push(await request.json());
      members = [...members, member("bob@example.com", "viewer")];
      return HttpResponse.json(members.at(-1), { status: 201 });
    }),
  );
  renderPage(<People />);
  await userEvent.click(await screen.findByRole("button", { name: "Remove bob@example.com" }));
  const dialog = await screen.findByRole("dialog", { name: "Remove bob@example.com?" });
  await userEvent.click(within(dialog).getByRole("button", { name: "Remove bob@example.com" }));
  await waitFor(() => {
    expect(screen.queryByRole("row", { name: /bob@example\.com/ })).toBeNull();
  });
  await userEvent.click(await screen.findByRole("button", { name: "Undo" }));
  expect(await screen.findByRole("row", { name: /bob@example\.com/ })).toBeVisible();
  expect(put).toEqual([{ role: "viewer" }]);
});

test("what Nexus refuses is shown as it was before, with the reason", async () => {
  members = [...members, member("cy@example.com", "admin")];
  server.use(
    http.delete(`${API}/members/:email`, () =>
      HttpResponse.json(
        {
          title: "Conflict",
          status: 409,
          code: "last_admin",
          detail: "cy is the last admin.",
          request_id: "req-1",
        },
        { status: 409 },
      ),
    ),
  );
  renderPage(<People />);
  await userEvent.click(await screen.findByRole("button", { name: "Remove cy@example.com" }));
  const dialog = await screen.findByRole("dialog", { name: "Remove cy@example.com?" });
  await userEvent.click(within(dialog).getByRole("button", { name: "Remove cy@example.com" }));
  expect(await screen.findByText("Could not remove cy@example.com")).toBeVisible();
  expect(screen.getByText("cy is the last admin.")).toBeVisible();
  expect(screen.getByRole("row", { name: /cy@example\.com/ })).toBeVisible();
});
