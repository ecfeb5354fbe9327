import { describe, expect, it } from "vitest";
import { boardOf, type ChannelRow, type ListRow } from "./boardModel";
import { pairOf } from "./pairing";
import { mapping, testChannel, testList } from "./testing";

const board = boardOf({
  lists: [testList("L1", "Backend"), testList("L2", "Website"), testList("L3", "Quarterly plans")],
  channels: [
    testChannel("C1", "backend"),
    testChannel("C2", "website"),
    testChannel("C3", "board", { is_member: false, is_private: true }),
  ],
  mappings: [mapping("L1", "C1"), mapping("L9", "C8", "lost")],
  waiting: new Map(),
});

function list(id: string): ListRow {
  const found = board.lists.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no list ${id}`);
  return found;
}

function channel(id: string): ChannelRow | null {
  return board.channels.find((each) => each.id === id) ?? null;
}

function pair(listId: string | null, channelId: string | null) {
  return pairOf(
    listId === null ? null : list(listId),
    channelId === null ? null : channel(channelId),
    channel,
  );
}

describe("what is chosen", () => {
  it("is a link with the suggested channel, until another one is picked", () => {
    expect(pair("L2", null)).toMatchObject({
      kind: "link",
      channel: { id: "C2" },
      isSuggested: true,
      blocked: null,
    });
    expect(pair("L2", "C1")).toMatchObject({ kind: "link", channel: { id: "C1" }, isSuggested: false });
  });

  it("is a list alone when nothing is suggested for it", () => {
    expect(pair("L3", null).kind).toBe("list");
  });

  it("is the link that exists, or a move when another channel is picked", () => {
    expect(pair("L1", null)).toMatchObject({ kind: "linked", channel: { id: "C1" } });
    expect(pair("L1", "C1").kind).toBe("linked");
    expect(pair("L1", "C2")).toMatchObject({ kind: "move", channel: { id: "C2" }, blocked: null });
  });

  it("may be a channel alone, or nothing", () => {
    expect(pair(null, "C1").kind).toBe("channel");
    expect(pair(null, null).kind).toBe("nothing");
  });

  it("is blocked, with what to do, where nothing can be posted", () => {
    expect(pair("L2", "C3")).toMatchObject({
      blocked: "#board is private, and Oblivion is not in it. Invite it first.",
    });
    expect(pair("L2", "C8")).toMatchObject({
      blocked: "#lost is not in Slack any more. Choose another channel.",
    });
    expect(pair("L9", "C1")).toMatchObject({ kind: "move", blocked: "List L9 is not in ClickUp any more." });
  });
});
