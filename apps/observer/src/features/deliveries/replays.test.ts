import { describe, expect, it } from "vitest";
import {
  answered,
  asked,
  groupsAfter,
  inPlace,
  refused,
  told,
  wishCount,
  withReplayed,
  type Replays,
  type Wish,
} from "./replays";
import { isMoving, kindNames, traceIdOf, whatItIs, type Delivery, type Group } from "./words";

const NONE: Replays = new Map();

function row(id: string, more: Partial<Delivery> = {}): Delivery {
  return {
    id,
    origin: "outbox",
    sink: "slack",
    tool: "slack",
    kind: "reply",
    state: "dead",
    attempts: 3,
    reason: "channel_not_found",
    fingerprint: "f1",
    title: "Export loses a row",
    task_id: "t1",
    created_at: `2026-03-12T14:00:0${id}Z`,
    updated_at: "2026-03-12T14:05:00Z",
    ...more,
  };
}

function group(fingerprint: string, count: number): Group {
  return {
    fingerprint,
    count,
    reason: "channel_not_found",
    sample_id: "1",
    sinks: ["slack"],
    kinds: ["reply"],
    first_seen_at: "2026-03-12T14:00:00Z",
    last_seen_at: "2026-03-12T14:05:00Z",
  };
}

const two: Wish = { what: "rows", rows: [row("1"), row("2", { fingerprint: "f2" })] };
const cause: Wish = { what: "cause", group: group("f1", 700), rows: [row("1")] };
const all: Wish = { what: "all", count: 12, rows: [] };

describe("a wish to replay", () => {
  it("says how many it is about", () => {
    expect([two, cause, all].map(wishCount)).toEqual([2, 700, 12]);
  });

  it("shows at once, and with the answer, what became of each row", () => {
    const before = asked(NONE, two, 1);
    expect([...before.values()].map(({ grant }) => grant)).toEqual(["asked", "asked"]);
    const items = [
      { id: "1", outcome: "replayed" as const },
      { id: "2", outcome: "not_dead" as const },
    ];
    const after = answered(before, items, two, 2);
    expect([...after.values()].map(({ grant, at }) => [grant, at])).toEqual([
      ["replayed", 2],
      ["not_dead", 2],
    ]);
  });

  it("lets go of rows that a call of many did not get to", () => {
    expect(answered(asked(NONE, two, 1), [{ id: "1", outcome: "replayed" }], two, 2).has("2")).toBe(false);
  });

  it("leaves everything as it was when it is refused", () => {
    const before = asked(NONE, { what: "rows", rows: [row("1")] }, 1);
    expect(refused(asked(before, two, 2), before, two)).toEqual(before);
  });
});

describe("the counts of causes", () => {
  const groups = [group("f1", 700), group("f2", 1)];

  it("go down before Nexus has answered", () => {
    expect(groupsAfter(groups, two).map(({ count }) => count)).toEqual([699, 0]);
    expect(groupsAfter(groups, all).map(({ count }) => count)).toEqual([0, 0]);
  });

  it("go down by no more than one call can do", () => {
    expect(groupsAfter(groups, cause).map(({ count }) => count)).toEqual([200, 1]);
    expect(groupsAfter(groups, { ...all, count: 701 })).toBe(groups);
  });

  it("stay in sight and in their places at 0 while there are results to look at", () => {
    const replays = asked(NONE, two, 1);
    const shown = inPlace([group("f3", 1), group("f2", 1)], groups, replays);
    expect(shown.map(({ fingerprint, count }) => [fingerprint, count])).toEqual([
      ["f3", 1],
      ["f1", 0],
      ["f2", 1],
    ]);
    expect(inPlace([], groups, NONE)).toEqual([]);
  });
});

describe("the rows of a cause", () => {
  it("keep what was replayed in its place, once", () => {
    const replays = asked(
      NONE,
      { what: "rows", rows: [row("1"), row("2"), row("3", { fingerprint: "f2" })] },
      1,
    );
    const shown = withReplayed([row("3"), row("1")], replays, ({ fingerprint }) => fingerprint === "f1");
    expect(shown.map(({ id }) => id)).toEqual(["3", "2", "1"]);
  });
});

describe("the words", () => {
  it("tell what became of a replay", () => {
    expect(told({ items: [{ id: "1", outcome: "replayed" }], remaining: 0 })).toBe(
      "1 dead letter is tried again.",
    );
    const items = [
      { id: "1", outcome: "replayed" as const },
      { id: "2", outcome: "replayed" as const },
      { id: "3", outcome: "not_dead" as const },
    ];
    expect(told({ items, remaining: 4 })).toBe("2 dead letters are tried again. 1 was not dead any more.");
  });

  it("name what could not be delivered", () => {
    expect(whatItIs(row("1"))).toBe("Reply to Slack");
    expect(whatItIs(row("1", { origin: "inbox", kind: "webhook", tool: "clickup" }))).toBe(
      "Event from ClickUp",
    );
    expect(whatItIs(row("1", { kind: "new_thing", tool: "jira" }))).toBe("New thing to Jira");
    expect(kindNames(["card", "reply_edit"])).toBe("Card, edit of a reply");
  });

  it("tell what still moves", () => {
    expect(["pending", "sending", "done", "dead"].map((state) => isMoving({ state }))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it("find the trace, when there is one", () => {
    expect(traceIdOf("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")).toBe(
      "4bf92f3577b34da6a3ce929d0e0e4736",
    );
    expect(traceIdOf(null)).toBeNull();
    expect(traceIdOf("nonsense")).toBeNull();
  });
});
