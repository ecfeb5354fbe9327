import { describe, expect, it } from "vitest";
import type { ChannelRow, ListRow } from "./boardModel";
import { curve, endsOf } from "./geometry";
import { centresOf, channelItems, headingAbove, listItems, rowAway, WIDE } from "./layout";

function listRow(id: string, group: string, isGone = false): ListRow {
  return { id, name: id, group, mapping: null, suggestion: null, trouble: null, isGone, waiting: 0 };
}

function channelRow(id: string, over: Partial<ChannelRow> = {}): ChannelRow {
  return { id, name: id, isMember: true, isPrivate: false, isGone: false, lists: 0, ...over };
}

const ITEMS = listItems([listRow("a", "Eng"), listRow("b", "Eng"), listRow("c", "")]);

describe("a column", () => {
  it("has a heading with a count above each group", () => {
    expect(ITEMS.map((item) => (item.kind === "heading" ? [item.label, item.count] : item.key))).toEqual([
      ["Eng", 2],
      "a",
      "b",
      ["Without a space", 1],
      "c",
    ]);
  });

  it("says how to invite Oblivion above the channels that it is not in", () => {
    const items = channelItems([channelRow("x"), channelRow("y", { isMember: false })]);
    expect(items.map(({ kind }) => kind)).toEqual(["heading", "row", "heading", "invitation", "row"]);
    expect(channelItems([channelRow("x")]).some(({ kind }) => kind === "invitation")).toBe(false);
  });

  it("knows where the middle of each row is", () => {
    expect([...centresOf(ITEMS, WIDE)]).toEqual([
      ["a", 32 + 19],
      ["b", 32 + 38 + 19],
      ["c", 32 + 2 * 38 + 32 + 19],
    ]);
  });

  it("knows the heading above what is scrolled to", () => {
    expect([0, 2, 4, 99].map((index) => headingAbove(ITEMS, index))).toEqual([0, 0, 3, 3]);
    expect(headingAbove([], 0)).toBeNull();
  });

  it("is walked row by row, over headings, and no further than its ends", () => {
    expect(rowAway(ITEMS, "b", 1)).toBe("c");
    expect(rowAway(ITEMS, "c", 1)).toBe("c");
    expect(rowAway(ITEMS, "b", -10)).toBe("a");
    expect(rowAway(ITEMS, null, 1)).toBe("a");
    expect(rowAway(ITEMS, "not shown", -1)).toBe("a");
    expect(rowAway([], null, 1)).toBeNull();
  });
});

describe("a line", () => {
  const view = { top: 0, height: 400, scrollTop: 0 };

  it("joins two rows that can be seen", () => {
    expect(endsOf(100, 300, view, { ...view, scrollTop: 100 }, 32)).toEqual({
      from: 100,
      to: 200,
      isPartial: false,
    });
  });

  it("leaves over the edge when one of them is scrolled out", () => {
    expect(endsOf(100, 9000, view, view, 32)).toEqual({ from: 100, to: 448, isPartial: true });
    expect(endsOf(100, 120, view, { ...view, scrollTop: 100 }, 32)?.isPartial).toBe(true);
  });

  it("is not there when neither can be seen", () => {
    expect(endsOf(900, 9000, view, view, 32)).toBeNull();
  });

  it("is level at both ends", () => {
    expect(curve(10, 100, 60)).toBe("M 0 10.0 C 45 10.0, 55 60.0, 100 60.0");
  });
});
