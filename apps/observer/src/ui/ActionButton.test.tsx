import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { signedInAs } from "../../tests/support/people";
import { renderPage } from "../../tests/support/render";
import { ActionButton } from "./ActionButton";
import { ConfirmButton } from "./ConfirmButton";

const server = setupServer();
beforeAll(() => {
  server.listen({ onUnhandledRequest: "error" });
});
afterEach(() => {
  server.resetHandlers();
});
afterAll(() => {
  server.close();
});

test("an operator's button works for an operator, by click and by key", async () => {
  server.use(signedInAs("operator"));
  const onClick = vi.fn();
  renderPage(
    <ActionButton needs="operate" hotkey="l" onClick={onClick}>
      Link
    </ActionButton>,
  );
  const button = screen.getByRole("button", { name: "Link" });
  await vi.waitFor(() => {
    expect(button).not.toHaveAttribute("aria-disabled");
  });
  await userEvent.click(button);
  button.blur();
  await userEvent.keyboard("l");
  expect(onClick).toHaveBeenCalledTimes(2);
});

test("a viewer sees it disabled, reads why, and neither click nor key does anything", async () => {
  server.use(signedInAs("viewer"));
  const onClick = vi.fn();
  renderPage(
    <ActionButton needs="operate" hotkey="l" onClick={onClick}>
      Link
    </ActionButton>,
  );
  const button = screen.getByRole("button", { name: "Link" });
  await userEvent.hover(button);
  expect(await screen.findByText(/Your role is viewer/)).toBeVisible();
  await userEvent.click(button);
  await userEvent.keyboard("l");
  expect(onClick).not.toHaveBeenCalled();
  expect(button).toHaveAttribute("aria-disabled", "true");
});

test("nothing is offered before it is known who this is", () => {
  server.use(signedInAs("admin"));
  renderPage(
    <ActionButton needs="write" onClick={vi.fn()}>
      Create agent
    </ActionButton>,
  );
  expect(screen.getByRole("button", { name: "Create agent" })).toHaveAttribute("aria-disabled", "true");
});

test("what cannot be undone is asked first, and named", async () => {
  server.use(signedInAs("operator"));
  const onConfirm = vi.fn();
  const confirmation = {
    title: "Cancel Fix login?",
    confirm: "Cancel Fix login",
    children: "It stops.",
    onConfirm,
  };
  renderPage(<ConfirmButton confirmation={confirmation}>Cancel task</ConfirmButton>);
  await userEvent.click(screen.getByRole("button", { name: "Cancel task" }));
  expect(onConfirm).not.toHaveBeenCalled();
  await userEvent.click(await screen.findByRole("button", { name: "Cancel Fix login" }));
  expect(onConfirm).toHaveBeenCalledOnce();
});
