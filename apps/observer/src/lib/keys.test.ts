import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { register } from "./keys";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
  document.body.replaceChildren();
});

function hotkey(keys: string, disabled = false) {
  const run = vi.fn();
  ends.push(register({ keys, label: keys, group: "Test", run, disabled }));
  return run;
}

test("a key runs its action", async () => {
  const run = hotkey("l");
  await userEvent.keyboard("l");
  expect(run).toHaveBeenCalledOnce();
});

test("a sequence runs once it is whole, and its last key does nothing else then", async () => {
  const go = hotkey("g m");
  const mute = hotkey("m");
  await userEvent.keyboard("gm");
  expect(go).toHaveBeenCalledOnce();
  expect(mute).not.toHaveBeenCalled();
});

test("nothing runs while somebody writes", async () => {
  const run = hotkey("l");
  const input = document.body.appendChild(document.createElement("input"));
  input.focus();
  await userEvent.keyboard("l");
  expect(run).not.toHaveBeenCalled();
  expect(input).toHaveValue("l");
});

test("keys of the browser stay the browser's", async () => {
  const run = hotkey("l");
  await userEvent.keyboard("{Control>}l{/Control}");
  expect(run).not.toHaveBeenCalled();
});

test("the latest of two wins until it goes", async () => {
  const page = hotkey("l");
  const drawer = hotkey("l");
  await userEvent.keyboard("l");
  expect(drawer).toHaveBeenCalledOnce();
  ends.pop()?.();
  await userEvent.keyboard("l");
  expect(page).toHaveBeenCalledOnce();
});

test("a disabled one leaves the key to others", async () => {
  const other = hotkey("l");
  const disabled = hotkey("l", true);
  await userEvent.keyboard("l");
  expect(other).toHaveBeenCalledOnce();
  expect(disabled).not.toHaveBeenCalled();
});

test("a dialog that asks something has the keys for itself", async () => {
  const run = hotkey("l");
  const dialog = document.body.appendChild(document.createElement("div"));
  dialog.className = "mantine-Modal-content";
  dialog.append(document.createElement("button"));
  dialog.querySelector("button")?.focus();
  await userEvent.keyboard("l");
  expect(run).not.toHaveBeenCalled();
});
