import { describe, expect, it } from "vitest";
import {
  boardOf,
  isIn,
  linkedChannels,
  linkedLists,
  matches,
  nextUnlinked,
  type Sources,
} from "./boardModel";
import { mapping, testChannel as channel, testList as list } from "./testing";

function board(over: Partial<Sources> = {}) {
  return boardOf({
    lists: [
      list("L1", "Backend", "Engineering"),
      list("L2", "Website", "Marketing"),
      list("L3", "Ops", "Engineering"),
    ],
    channels: [
      channel("C2", "website"),
      channel("C1", "backend"),
      channel("C3", "loud", { is_member: false }),
    ],
    mappings: [mapping("L1", "C1")],
    waiting: new Map([["L2", 3]]),
    ...over,
  });
}

describe("the board", () => {
  it("keeps the lists of one group together, in the order in which groups came", () => {
    expect(board().lists.map(({ id }) => id)).toEqual(["L1", "L3", "L2"]);
  });

  it("sorts channels by name, those without Oblivion last", () => {
    expect(board().channels.map(({ name }) => name)).toEqual(["backend", "website", "loud"]);
  });

  it("counts lists by tab, the links of each channel, and the tasks that wait for a list", () => {
    const { counts, channels, lists } = board();
    expect(counts).toEqual({ all: 3, unlinked: 2, linked: 1, trouble: 0 });
    expect(channels.find(({ id }) => id === "C1")?.lists).toBe(1);
    expect(lists.find(({ id }) => id === "L2")?.waiting).toBe(3);
  });

  it("suggests a channel for lists that have none, never a private one that Oblivion is not in", () => {
    expect(board().lists.map(({ suggestion }) => suggestion?.channelName)).toEqual([
      undefined,
      undefined,
      "website",
    ]);
    const closed = board({ channels: [channel("C2", "website", { is_member: false, is_private: true })] });
    expect(closed.lists.find(({ id }) => id === "L2")?.suggestion).toBeNull();
  });

  it("shows a link whose channel is gone as trouble, on both sides", () => {
    const { lists, channels, counts } = board({ mappings: [mapping("L1", "C9", "old-alerts")] });
    expect(lists[0]).toMatchObject({ id: "L1", trouble: "channel_gone", isGone: false });
    expect(channels[0]).toMatchObject({ name: "old-alerts", isGone: true, lists: 1 });
    expect(counts.trouble).toBe(1);
  });

  it("shows a link whose list is gone first, as trouble", () => {
    const { lists } = board({ mappings: [mapping("L9", "C1")] });
    expect(lists[0]).toMatchObject({ id: "L9", trouble: "list_gone", isGone: true });
  });

  it("shows a link to a channel that Oblivion is not in as trouble", () => {
    const { lists } = board({ mappings: [mapping("L1", "C3")] });
    expect(lists[0]?.trouble).toBe("not_member");
  });

  it("calls nothing gone while the vendors cannot be read", () => {
    const { lists, channels, counts } = board({ lists: undefined, channels: undefined });
    expect([lists, channels]).toEqual([[], []]);
    expect(counts.trouble).toBe(0);
    expect(board({ channels: undefined }).lists.every(({ trouble }) => trouble === null)).toBe(true);
  });
});

describe("while a vendor cannot be read", () => {
  it("what is linked is known still, and nothing is wrong with it", () => {
    const mappings = [mapping("L1", "C1"), mapping("L2", "C1")];
    const { lists, channels, counts } = board({
      lists: linkedLists(mappings),
      channels: linkedChannels(mappings),
      mappings,
    });
    expect(lists.map(({ name }) => name)).toEqual(["List L1", "List L2"]);
    expect(channels).toMatchObject([{ id: "C1", lists: 2 }]);
    expect(counts).toMatchObject({ linked: 2, trouble: 0 });
  });
});

describe("the next list to link", () => {
  const { lists } = board({ mappings: [mapping("L3", "C1")] });

  it("is the one below", () => {
    expect(nextUnlinked(lists, "L1")?.id).toBe("L2");
  });

  it("is searched from the top again at the end", () => {
    expect(nextUnlinked(lists, "L2")?.id).toBe("L1");
  });

  it("is none when only the list itself is left", () => {
    expect(
      nextUnlinked(board({ mappings: [mapping("L1", "C1"), mapping("L3", "C1")] }).lists, "L2"),
    ).toBeNull();
  });
});

describe("a filter", () => {
  it("finds all its words in any order, whatever their case and accents", () => {
    expect(matches("PLAT reli", "Platform reliability", "Engineering")).toBe(true);
    expect(matches("eng plat", "Platform reliability", "Engineering")).toBe(true);
    expect(matches("buro", "Büro")).toBe(true);
    expect(matches("  ", "anything")).toBe(true);
    expect(matches("plat sales", "Platform reliability", "Engineering")).toBe(false);
  });

  it("of a tab keeps what the tab says", () => {
    const [linked, free] = board().lists;
    expect(linked && isIn("linked", linked)).toBe(true);
    expect(linked && isIn("unlinked", linked)).toBe(false);
    expect(free && isIn("unlinked", free)).toBe(true);
    expect(free && isIn("trouble", free)).toBe(false);
  });
});
