import { kill } from "node:process";
import { addresses, pidOf, sql } from "./support/installation";
import { NO_MORE_OF_THEM, open, TEN_THOUSAND_TASKS } from "./support/pages";
import { expect, test } from "./support/people";
import { archive, CHANNEL_SQUAD, LIST_INBOX, writeTask } from "./support/sandbox";

test.describe("a viewer", () => {
  test.use({ role: "viewer" });

  test("sees what is linked, finds every change disabled with the reason, and is refused by Nexus itself", async ({
    page,
  }) => {
    await page.goto("/mappings");
    await page.getByRole("button", { name: /^Website/ }).click();
    await expect(page.getByRole("button", { name: "Link", exact: true })).toBeDisabled();
    // Whatever a page lets them press, it is Nexus that decides.
    const statuses = await page.evaluate(
      async ([list, channel]) => {
        const tries: [string, string, unknown][] = [
          ["POST", "v1/mappings", { list_id: list, channel_id: channel }],
          ["POST", "v1/deliveries/replay", { all: true }],
          ["POST", "v1/agents", { name: "sneaky" }],
          ["PUT", "v1/members/viewer@local.test", { role: "admin" }],
        ];
        return Promise.all(
          tries.map(async ([method, to, body]) => {
            const headers = { "Content-Type": "application/json" };
            const answer = await fetch(`/api/nexus/${to}`, { method, headers, body: JSON.stringify(body) });
            return answer.status;
          }),
        );
      },
      [LIST_INBOX, CHANNEL_SQUAD],
    );
    expect(statuses).toEqual([403, 403, 403, 403]);
  });
});

test("an expired session asks to sign in again, and comes back to the same view", async ({
  page,
  context,
}) => {
  await page.goto("/tasks?q=nothing-like-it");
  await expect(page.getByRole("heading", { level: 1, name: "Tasks" })).toBeVisible();
  await context.clearCookies();
  const answer = await page.evaluate(async () => (await fetch("/api/nexus/v1/me")).status);
  expect(answer).toBe(401);
  await page.reload();
  await expect(page).toHaveURL(/\/login\?from=/);
  await page.getByRole("button", { name: /^admin/i }).click();
  await expect(page).toHaveURL(/\/tasks\?q=nothing-like-it/);
});

test("a channel that is gone shows at its list, with what to do", async ({ page }) => {
  await archive(CHANNEL_SQUAD, true);
  try {
    await page.goto("/mappings");
    await expect(async () => {
      await page.getByRole("button", { name: "Refresh" }).click(); // Nexus asks Slack at most every five seconds
      await expect(page.getByText(/is gone|archived|not there any more/i).first()).toBeVisible({
        timeout: 6_000,
      });
    }).toPass({ timeout: 45_000 });
  } finally {
    await archive(CHANNEL_SQUAD, false);
  }
});

test("script in a task's title is text", async ({ page }) => {
  const title = `<script>window.hurt = 1</script><img src=x onerror="window.hurt = 2"> ${Date.now()}`;
  page.on("dialog", (dialog) => {
    throw new Error(`the title opened a dialog: ${dialog.message()}`);
  });
  await writeTask(title, "@AI_Squad fix_bug");
  await page.goto("/tasks");
  await expect(page.getByText(title).first()).toBeVisible({ timeout: 30_000 });
  await page.getByText(title).first().click();
  await expect(page.getByRole("dialog").getByText(title).first()).toBeVisible();
  expect(await page.evaluate(() => (window as { hurt?: number }).hurt)).toBeUndefined();
});

test("a socket that drops is said, comes back, and the feed has no gap", async ({ page, context }) => {
  await page.goto("/feed");
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await context.setOffline(true);
  kill(pidOf("gateway"), "SIGKILL");
  await expect(page.getByText(/Reconnecting|away|offline/i).first()).toBeVisible({ timeout: 30_000 });
  const mark = `Written while nobody watched ${Date.now()}`;
  await expect.poll(ready, { timeout: 30_000 }).toBe(true);
  await writeTask(mark, "@AI_Squad fix_bug");
  await context.setOffline(false);
  await expect(page.getByText("Live", { exact: true })).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText(/Webhook from ClickUp/).last()).toBeVisible();
});

test("a Nexus that hangs is said by one banner over old rows, and the page comes back by itself", async ({
  page,
}) => {
  await open(page, "/agents", "Agents");
  const rows = page.getByRole("row");
  await expect(rows.nth(1)).toBeVisible();
  const before = await rows.count();
  const gateway = pidOf("gateway");
  kill(gateway, "SIGSTOP");
  try {
    const banner = page.getByRole("alert").filter({ hasText: "Nexus does not answer" });
    await expect(banner).toBeVisible({ timeout: 80_000 });
    await expect(banner).toHaveCount(1);
    await expect(banner).toContainText("we keep trying");
    expect(await rows.count(), "what was read stays").toBe(before);
  } finally {
    kill(gateway, "SIGCONT");
  }
  await expect(page.getByRole("alert").filter({ hasText: "Nexus" })).toHaveCount(0, { timeout: 60_000 });
});

test("a list of 10,000 tasks is searched by Nexus, and drawn as far as it is seen", async ({ page }) => {
  await sql(TEN_THOUSAND_TASKS);
  try {
    await page.goto("/tasks?q=One%20of%20many%209999");
    await expect(page.getByRole("row", { name: /One of many 9999\b/ })).toBeVisible();
    await page.goto("/tasks");
    await expect(page.getByRole("row").nth(10)).toBeVisible();
    for (let times = 0; times < 10; times++) {
      await page.mouse.move(720, 450);
      await page.mouse.wheel(0, 3_000);
      await page.waitForTimeout(200); // more is read at the end of what is there
    }
    const drawn = await page.getByRole("row").count();
    expect(drawn, "only what is on the screen is drawn").toBeLessThan(120);
  } finally {
    await sql(NO_MORE_OF_THEM);
  }
});

async function ready(): Promise<boolean> {
  try {
    return (await fetch(`${addresses().nexus_url}/readyz`)).ok;
  } catch {
    return false;
  }
}
