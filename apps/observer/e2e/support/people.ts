import { test as base, expect, type Browser, type Page } from "@playwright/test";

export { expect };

export type Role = "admin" | "operator" | "viewer";

/** What each role's sign-in leaves in the browser; once for all tests. */
const signedIn = new Map<Role, Awaited<ReturnType<ReturnType<Page["context"]>["storageState"]>>>();

/** Goes through the sign-in page, as a person of this machine does. */
export async function signIn(page: Page, role: Role): Promise<void> {
  await page.goto("/login");
  await page.getByRole("button", { name: new RegExp(`^${role}`, "i") }).click();
  await page.waitForURL((url) => url.pathname !== "/login");
}

async function stateOf(browser: Browser, role: Role, baseURL: string | undefined) {
  const known = signedIn.get(role);
  if (known) return known;
  const context = await browser.newContext({ baseURL });
  await signIn(await context.newPage(), role);
  const state = await context.storageState();
  await context.close();
  signedIn.set(role, state);
  return state;
}

/** Tests whose `page` is already signed in; `test.use({ role: "viewer" })` says as whom. */
export const test = base.extend<{ role: Role }>({
  role: ["admin", { option: true }],
  storageState: async ({ browser, role, baseURL }, provide) => {
    await provide(await stateOf(browser, role, baseURL));
  },
});
