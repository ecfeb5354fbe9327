import { expect, signIn, test } from "./support/people";

test.describe("signed out", () => {
  test.use({ storageState: { cookies: [], origins: [] } });

  test("whoever is not signed in is asked to, and comes back to where they wanted to go", async ({
    page,
  }) => {
    await page.goto("/tasks?q=export");
    await expect(page).toHaveURL(/\/login\?from=/);
    await page.getByRole("button", { name: /^viewer/i }).click();
    await expect(page).toHaveURL(/\/tasks\?q=export/);
    await expect(page.getByRole("heading", { name: "Tasks" })).toBeVisible();
  });

  test("the way to Nexus answers 401 in JSON, and never with a page", async ({ request }) => {
    for (const path of ["/api/nexus/v1/me", "/api/nexus/v1/tasks"]) {
      const answer = await request.get(path, { maxRedirects: 0 });
      expect(answer.status()).toBe(401);
      expect(answer.headers()["content-type"]).toContain("json");
    }
    const ticket = await request.post("/api/socket-ticket", { maxRedirects: 0 });
    expect([401, 403]).toContain(ticket.status());
  });
});

test("the browser holds no token of Nexus, in no cookie and no storage", async ({ page, context }) => {
  await page.goto("/overview");
  await expect(page.getByRole("heading", { name: "Overview" })).toBeVisible();
  const kept = await page.evaluate(() =>
    JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)]),
  );
  expect(kept).not.toMatch(/eyJ|obl_sk_/);
  for (const cookie of await context.cookies()) {
    expect(cookie.value).not.toContain("obl_sk_");
    if (cookie.name.includes("session-token")) expect(cookie.httpOnly).toBe(true);
  }
});

test("the way to Nexus leads to its API and nowhere else", async ({ page }) => {
  await page.goto("/overview");
  for (const path of [
    "auth/token",
    "v1/../auth/token",
    "v1/%2e%2e/auth/token",
    "metrics",
    "v1%2f..%2fmetrics",
  ]) {
    const status = await page.evaluate(async (to) => (await fetch(`/api/nexus/${to}`)).status, path);
    expect([400, 404], path).toContain(status);
  }
});

test("another page on the internet cannot have a signed-in browser change anything", async ({
  page,
  context,
}) => {
  await page.goto("/overview");
  const answer = await context.request.post("/api/nexus/v1/deliveries/replay", {
    data: { all: true },
    headers: { "Sec-Fetch-Site": "cross-site" },
  });
  expect(answer.status()).toBe(403);
});

test("signing out ends the session", async ({ page }) => {
  await page.goto("/overview");
  await page.getByRole("button", { name: /account|local admin/i }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/login/);
  await page.goto("/agents");
  await expect(page).toHaveURL(/\/login/);
  await signIn(page, "admin");
});
