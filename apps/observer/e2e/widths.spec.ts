import { PAGES, open } from "./support/pages";
import { expect, test } from "./support/people";

for (const width of [1280, 1440, 390]) {
  test.describe(`${width} wide`, () => {
    test.use({ viewport: { width, height: 844 } });
    test("every page fits, and the way to the others is there", async ({ page }) => {
      for (const { path, heading } of PAGES) {
        await open(page, path, heading);
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(overflow, `${path} scrolls sideways`).toBeLessThanOrEqual(0);
      }
      await open(page, "/overview", "Overview");
      if (width === 390) await page.getByRole("button", { name: /navigation|menu/i }).click();
      await page.getByRole("link", { name: "Agents", exact: true }).click();
      await expect(page.getByRole("heading", { level: 1, name: "Agents" })).toBeVisible();
    });
  });
}
