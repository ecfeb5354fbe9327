import { describe, expect, it } from "vitest";
import type { Mapping } from "./boardModel";
import { mapping } from "./testing";
import { applied, doneWords, inverseOf, isPending, reverted, settled, type Write } from "./writes";

const NOW = "2026-03-12T15:00:00Z";
const HELD = [mapping("L1", "C1"), mapping("L2", "C2")];
const LINK: Write = { kind: "link", list: { id: "L3", name: "Ops" }, channel: { id: "C3", name: "ops" } };
const MOVE: Write = { kind: "move", mapping: mapping("L1", "C1"), channel: { id: "C4", name: "new" } };
const RULE: Write = { kind: "rule", mapping: mapping("L1", "C1"), rule: "all", keyword: "!sync" };
const UNLINK: Write = { kind: "unlink", mapping: mapping("L2", "C2") };

function after(write: Write): Mapping[] {
  return applied(HELD, write, "dana@example.test", NOW);
}

describe("a write", () => {
  it("is on the screen before Nexus answers", () => {
    expect(after(LINK).at(-1)).toMatchObject({ list_id: "L3", channel_name: "ops", sync_keyword: "!sync" });
    expect(after(LINK).map(isPending)).toEqual([false, false, true]);
    expect(after(MOVE)[0]).toMatchObject({ channel_id: "C4", channel_name: "new", updated_at: NOW });
    expect(after(RULE)[0]).toMatchObject({ sync_rule: "all" });
    expect(after(UNLINK).map(({ list_id }) => list_id)).toEqual(["L1"]);
  });

  it.each([LINK, MOVE, RULE, UNLINK])("that Nexus refuses leaves nothing behind: $kind", (write) => {
    const back = reverted(after(write), write);
    expect([...back].sort((one, other) => one.id.localeCompare(other.id))).toEqual(HELD);
  });

  it("that is taken back leaves what happened meanwhile", () => {
    const meanwhile = applied(after(LINK), UNLINK, null, NOW);
    expect(reverted(meanwhile, LINK).map(({ list_id }) => list_id)).toEqual(["L1"]);
  });

  it("does not take away a link that somebody else made of the same list", () => {
    const theirs = settled(after(LINK), mapping("L3", "C9"));
    expect(reverted(theirs, LINK)).toContainEqual(mapping("L3", "C9"));
  });

  it("gives its place to the answer of Nexus", () => {
    const answer = mapping("L3", "C3", "ops");
    expect(settled(after(LINK), answer)).toEqual([...HELD, answer]);
  });
});

describe("an undo", () => {
  it("of a link unlinks what Nexus made of it", () => {
    expect(inverseOf(LINK, mapping("L3", "C3"))).toEqual({ kind: "unlink", mapping: mapping("L3", "C3") });
  });

  it("of an unlink links again, under the same rule", () => {
    expect(
      inverseOf({ kind: "unlink", mapping: { ...mapping("L1", "C1"), sync_rule: "all" } }, null),
    ).toMatchObject({
      kind: "link",
      list: { id: "L1" },
      channel: { id: "C1" },
      rule: "all",
    });
  });

  it("of a move and of a rule goes back to what was before", () => {
    const answer = { ...mapping("L1", "C4"), sync_rule: "all" as const };
    expect(inverseOf(MOVE, answer)).toMatchObject({ kind: "move", mapping: answer, channel: { id: "C1" } });
    expect(inverseOf(RULE, answer)).toMatchObject({ kind: "rule", mapping: answer, rule: "keyword" });
  });
});

describe("the words", () => {
  it("name both ends", () => {
    expect(doneWords(LINK)).toBe("Ops is linked to #ops.");
    expect(doneWords(RULE)).toBe("List L1: what goes to ClickUp is now every reply.");
  });
});
