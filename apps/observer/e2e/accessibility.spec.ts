import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { PAGES, open } from "./support/pages";
import { expect, test } from "./support/people";

for (const { path, heading } of PAGES) {
  test(`axe finds nothing on ${path}, light and dark`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: "light" });
    await open(page, path, heading);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", colorScheme);
      expect(await complaints(page), colorScheme).toEqual([]);
    }
  });
}

test.describe("signed out", () => {
  test.use({ storageState: { cookies: [], origins: [] } });
  test("axe finds nothing on the sign-in page", async ({ page }) => {
    await page.goto("/login");
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    expect(await complaints(page)).toEqual([]);
  });
});

async function complaints(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join("\n  ")}`);
}
