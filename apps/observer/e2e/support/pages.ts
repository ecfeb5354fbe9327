import type { Page } from "@playwright/test";
import { expect } from "./people";

/** Every page, with the heading that tells a person where they are. */
export const PAGES = [
  { path: "/overview", heading: "Overview" },
  { path: "/mappings", heading: "Mappings" },
  { path: "/agents", heading: "Agents" },
  { path: "/feed", heading: "Live feed" },
  { path: "/tasks", heading: "Tasks" },
  { path: "/dead-letters", heading: "Dead letters" },
  { path: "/settings/connections", heading: "Settings" },
  { path: "/settings/aliases", heading: "Settings" },
  { path: "/settings/people", heading: "Settings" },
  { path: "/settings/keys", heading: "Settings" },
  { path: "/settings/audit", heading: "Settings" },
  { path: "/welcome", heading: "Welcome" },
] as const;

/** What the file of a page's picture is called. */
export function nameOf(path: string): string {
  return path.slice(1).replace("/", "-");
}

/** Opens a page and returns when its content stands: no skeleton is left. */
export async function open(page: Page, path: string, heading: string): Promise<void> {
  await page.goto(path);
  await expect(page.getByRole("heading", { level: 1, name: heading })).toBeVisible();
  await expect(page.getByRole("status", { name: "Loading" })).toHaveCount(0);
}
