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

/** Rows as Nexus would have written them, had ten thousand people mentioned the squad. May be run again. */
export const TEN_THOUSAND_TASKS = `
  WITH place AS (
    SELECT m.* FROM project_mappings m ORDER BY m.created_at LIMIT 1
  ), made AS (
    INSERT INTO task_mappings (id, tenant_id, tracker, tracker_connection_id, item_id, list_id, project_mapping_id, chat,
      chat_connection_id, channel_id, title, url, snapshot, alias, created_at)
    SELECT gen_random_uuid(), tenant_id, tracker, tracker_connection_id, 'many' || n, list_id, id, chat,
      chat_connection_id, channel_id, 'One of many ' || n, 'https://app.clickup.com/t/many' || n, '{}', 'AI_Squad',
      now() - make_interval(secs => n)
    FROM place, generate_series(1, 10000) n
    ON CONFLICT DO NOTHING
    RETURNING id
  ) SELECT count(*) FROM made`;

export const NO_MORE_OF_THEM = `
  WITH gone AS (DELETE FROM task_mappings WHERE item_id LIKE 'many%' RETURNING id) SELECT count(*) FROM gone`;
