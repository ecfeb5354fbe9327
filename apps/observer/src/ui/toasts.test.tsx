import { MantineProvider } from "@mantine/core";
import { Notifications, notifications } from "@mantine/notifications";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { ApiError } from "@/lib/api/problem";
import { toastDone, toastFailed } from "./toasts";

afterEach(() => {
  notifications.clean();
});

function page() {
  render(
    <MantineProvider env="test">
      <Notifications />
    </MantineProvider>,
  );
}

test("what was done can be undone, and is not said any more then", async () => {
  page();
  const undo = vi.fn();
  toastDone("Linked Backend sprint 42", undo);
  await userEvent.click(await screen.findByRole("button", { name: "Undo" }));
  expect(undo).toHaveBeenCalledOnce();
  await waitFor(() => {
    expect(screen.queryByText("Linked Backend sprint 42")).toBeNull();
  });
});

test("a failure says the reason and the request id, and can be tried again", async () => {
  page();
  const retry = vi.fn();
  toastFailed(
    "Could not link it",
    new ApiError(422, "rejected", "The bot is no member.", "request-1"),
    retry,
  );
  expect(await screen.findByText("The bot is no member.")).toBeVisible();
  expect(screen.getByRole("button", { name: "Copy request id" })).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Retry" }));
  expect(retry).toHaveBeenCalledOnce();
});
