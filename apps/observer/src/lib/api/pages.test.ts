import { describe, expect, it } from "vitest";
import { readWhole } from "./pages";

describe("readWhole", () => {
  it("reads page after page by the cursor of the one before, and gives one list", async () => {
    const asked: (string | undefined)[] = [];
    const whole = await readWhole((cursor) => {
      asked.push(cursor);
      return Promise.resolve(
        cursor === undefined ? { items: [1, 2], next_cursor: "b" } : { items: [3], next_cursor: null },
      );
    });
    expect(whole).toEqual({ items: [1, 2, 3], next_cursor: null });
    expect(asked).toEqual([undefined, "b"]);
  });

  it("ends with an error, not never, when every page names another one", async () => {
    await expect(readWhole(() => Promise.resolve({ items: [], next_cursor: "again" }))).rejects.toThrow(
      "more pages",
    );
  });
});
