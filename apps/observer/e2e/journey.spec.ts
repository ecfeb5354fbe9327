import type { Page } from "@playwright/test";
import { expect, test } from "./support/people";
import {
  addFault,
  clearFaults,
  comment,
  LIST_RELIABILITY,
  slackMessages,
  writeTask,
} from "./support/sandbox";

/*
 * What a person does who has never seen it: by visible labels alone, and without a word of documentation. One story,
 * so its parts run in this order.
 */
test.describe.configure({ mode: "serial" });

/** Opens the address that they were given, and goes to a page from there. */
async function goTo(page: Page, label: string): Promise<void> {
  await page.goto("/");
  await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: label }).click();
  await expect(page.getByRole("heading", { level: 1, name: label })).toBeVisible();
}

test("links a list to a channel", async ({ page }) => {
  await goTo(page, "Mappings");
  await page.getByRole("button", { name: /^Reliability/ }).click();
  await page.getByRole("button", { name: /^channel ai-squad/ }).click();
  await page.getByRole("button", { name: "Link", exact: true }).click();
  await expect(page.getByRole("button", { name: /^Reliability.*#ai-squad/ })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("button", { name: /^Reliability.*#ai-squad/ })).toBeVisible();
});

test("watches a task go through", async ({ page }) => {
  await goTo(page, "Tasks");
  await writeTask("Export loses a row", "@AI_Squad fix_bug", LIST_RELIABILITY);
  const row = page.getByRole("row", { name: /Export loses a row/ }); // it comes by itself
  await expect(row).toBeVisible();
  await expect(row).toContainText(/completed/i, { timeout: 30_000 });
  await row.click();
  const drawer = page.getByRole("dialog");
  await expect(drawer.getByText("Export loses a row").first()).toBeVisible();
  await expect(drawer.getByText(/Webhook from ClickUp/).first()).toBeVisible();
  await expect(drawer.getByText(/Card to Slack/).first()).toBeVisible();
  await drawer.getByRole("tab", { name: "Conversation" }).click();
  await expect(drawer.getByText(/Done/).first()).toBeVisible();
});

test("finds why another one waits", async ({ page }) => {
  await writeTask("Rotate the staging certificate", "@AI_Squad rotate_certificate", LIST_RELIABILITY);
  await goTo(page, "Tasks");
  const row = page.getByRole("row", { name: /Rotate the staging certificate/ });
  await expect(row).toContainText(/waiting/i);
  await row.click();
  const drawer = page.getByRole("dialog");
  await drawer.getByRole("tab", { name: /why/i }).click();
  await expect(drawer.getByText(/rotate_certificate/).first()).toBeVisible();
  await expect(drawer.getByText(/can do/).first()).toBeVisible();
});

test("replays a dead letter, and it arrives once", async ({ page }) => {
  const task = await writeTask("Invoices are off by a cent", "@AI_Squad fix_bug", LIST_RELIABILITY);
  await goTo(page, "Tasks");
  const row = page.getByRole("row", { name: /Invoices are off by a cent/ });
  await expect(row).toContainText(/completed/i, { timeout: 30_000 });
  await addFault({
    vendor: "slack",
    match: "chat.postMessage",
    fault: "reject_error",
    error: "restricted_action",
  });
  const words = `Please look at April, too (${Date.now()})`;
  await comment(task.id, words);
  await goTo(page, "Dead letters");
  const cause = page.getByRole("listitem").filter({ hasText: /restricted_action|not allowed|may not/i });
  await expect(cause).toBeVisible({ timeout: 30_000 });
  await clearFaults();
  await cause.getByRole("button", { name: /^Replay/ }).click();
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /^Replay \d+ dead letter/ })
    .click();
  const arrived = async () => (await slackMessages()).filter(({ text }) => text.includes(words)).length;
  await expect.poll(arrived, { timeout: 30_000 }).toBe(1);
  await expect(page.getByText("No dead letters")).toBeVisible({ timeout: 30_000 });
  expect(await arrived()).toBe(1);
});
