/** One page of a list, as every list of Nexus's API has it. */
export interface PageOf<Item> {
  items: Item[];
  next_cursor?: string | null;
}

/** The most that a page may have. */
export const PAGE_LIMIT = 200;

/** Far more pages than a list that is shown as a whole has. */
const MAX_PAGES = 200;

/** All pages of a list as one, for lists that are filtered here. `read` gets the cursor of the page that it is to read. */
export async function readWhole<Item>(
  read: (cursor: string | undefined) => Promise<PageOf<Item>>,
): Promise<{ items: Item[]; next_cursor: null }> {
  const items: Item[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { items: more, next_cursor } = await read(cursor);
    items.push(...more);
    if (!next_cursor) return { items, next_cursor: null };
    cursor = next_cursor;
  }
  throw new Error("The list has more pages than can be shown.");
}
