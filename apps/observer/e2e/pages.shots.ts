import path from "node:path";
import { REPOSITORY } from "./support/installation";
import { nameOf, open, PAGES } from "./support/pages";
import { expect, test } from "./support/people";
import { addFault, clearFaults, comment, LIST_WEBSITE, writeTask } from "./support/sandbox";

/* `make screenshots`: every page in both schemes, with a life behind it, into docs/img. */

const IMAGES = path.join(REPOSITORY, "docs/img");
const SETTLE_MS = 1_500; // charts draw themselves

test.beforeAll(async () => {
  const titles = [
    "Export loses a row",
    "Login is slow on mobile",
    "Flaky test in checkout",
    "Totals are off by a cent",
  ];
  const made = [];
  for (const title of titles) made.push(await writeTask(title, "@AI_Squad fix_bug"));
  await writeTask("Rotate the staging certificate", "@AI_Squad rotate_certificate");
  await writeTask("New landing page", "@AI_Squad", LIST_WEBSITE);
  await new Promise((resolve) => setTimeout(resolve, 8_000)); // the demo agent is at work
  await addFault({
    vendor: "slack",
    match: "chat.postMessage",
    fault: "reject_error",
    error: "restricted_action",
  });
  for (const { id } of made.slice(0, 2)) await comment(id, "Is this in the release?");
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  await clearFaults();
});

for (const scheme of ["dark", "light"] as const) {
  test.describe(scheme, () => {
    test.use({ colorScheme: scheme });
    for (const { path: page_path, heading } of PAGES) {
      test(`${page_path} ${scheme}`, async ({ page }) => {
        await open(page, page_path, heading);
        await page.waitForTimeout(SETTLE_MS);
        await page.screenshot({ path: path.join(IMAGES, `${nameOf(page_path)}-${scheme}.png`) });
      });
    }

    test(`a task ${scheme}`, async ({ page }) => {
      await open(page, "/tasks", "Tasks");
      await page.getByText("Export loses a row").first().click();
      await expect(page.getByRole("dialog")).toBeVisible();
      await page.waitForTimeout(SETTLE_MS);
      await page.screenshot({ path: path.join(IMAGES, `task-${scheme}.png`) });
    });
  });
}
