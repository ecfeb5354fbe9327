import AxeBuilder from "@axe-core/playwright";
import { PAGES, open } from "./support/pages";
import { expect, test } from "./support/people";

for (const scheme of ["light", "dark"] as const) {
  test.describe(scheme, () => {
    test.use({ colorScheme: scheme });
    for (const { path, heading } of PAGES) {
      test(`axe finds nothing on ${path} (${scheme})`, async ({ page }) => {
        await open(page, path, heading);
        await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", scheme);
        const { violations } = await new AxeBuilder({ page }).analyze();
        const told = violations.map(
          ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join("\n  ")}`,
        );
        expect(told).toEqual([]);
      });
    }
  });
}

test.describe("signed out", () => {
  test.use({ storageState: { cookies: [], origins: [] } });
  test("axe finds nothing on the sign-in page", async ({ page }) => {
    await page.goto("/login");
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  });
});
