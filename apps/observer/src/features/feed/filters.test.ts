import { describe, expect, it } from "vitest";
import { entryOf, type Entry } from "./entry";
import { NO_FILTERS, isNarrower, marked, matcherOf, sentFilters, type FeedParams } from "./filters";

function entry(change: Partial<Entry["line"]> = {}): Entry {
  return entryOf({
    id: "1",
    ts: "2026-03-12T14:00:00Z",
    level: "info",
    kind: "delivery.retry",
    source: "slack",
    tenant_id: "tenant",
    task_id: "task-1",
    agent: "fixer",
    message: "Slack asked us to slow down (rate_limited)",
    ...change,
  });
}

function matches(change: Partial<FeedParams>, line: Partial<Entry["line"]> = {}): boolean {
  return matcherOf({ ...NO_FILTERS, ...change }).matches(entry(line));
}

describe("matcherOf", () => {
  it("lets everything through when nothing is chosen", () => {
    expect(matches({})).toBe(true);
  });

  it("wants one of the chosen levels and one of the chosen sources", () => {
    expect(matches({ level: ["info", "error"], source: ["slack"] })).toBe(true);
    expect(matches({ level: ["error"] })).toBe(false);
    expect(matches({ level: ["info"], source: ["clickup"] })).toBe(false);
  });

  it("finds text in any case in everything that a row shows", () => {
    for (const q of ["SLOW down", "fixer", "delivery.re", "task-1", "(rate_limited)"]) {
      expect(matches({ q })).toBe(true);
    }
    expect(matches({ q: "slower" })).toBe(false);
  });

  it("takes text as it is, and as a pattern only when asked to", () => {
    expect(matches({ q: "slow.*limited" })).toBe(false);
    expect(matches({ q: "slow.*limited", regex: true })).toBe(true);
    expect(matches({ q: "^INFO slack", regex: true })).toBe(true);
  });

  it("says what is wrong with a pattern, and hides nothing because of it", () => {
    const { error, matches: test } = matcherOf({ ...NO_FILTERS, q: "(", regex: true });
    expect(error).toBe("This is no regular expression yet");
    expect(test(entry())).toBe(true);
  });

  it("refuses a pattern that is far too long", () => {
    expect(matcherOf({ ...NO_FILTERS, q: "(a+)+".repeat(60), regex: true }).error).not.toBeNull();
  });

  it("keeps to one task", () => {
    expect(matches({ task: "task-1" })).toBe(true);
    expect(matches({ task: "task-2" })).toBe(false);
    expect(matches({ task: "task-1" }, { task_id: null })).toBe(false);
  });
});

describe("isNarrower", () => {
  const of = (change: Partial<FeedParams>) => sentFilters({ ...NO_FILTERS, ...change });

  it("is so when something is chosen where nothing was, or less than before", () => {
    expect(isNarrower(of({}), of({ level: ["error"] }))).toBe(true);
    expect(isNarrower(of({ level: ["error", "warning"] }), of({ level: ["error"], task: "1" }))).toBe(true);
  });

  it("is not so when more, or something else, is let through", () => {
    expect(isNarrower(of({ level: ["error"] }), of({}))).toBe(false);
    expect(isNarrower(of({ source: ["slack"] }), of({ source: ["clickup"] }))).toBe(false);
    expect(isNarrower(of({ task: "1" }), of({ task: "2" }))).toBe(false);
  });
});

describe("marked", () => {
  it("gives what is found in every other piece", () => {
    expect(marked("one two one", /one/gi)).toEqual(["", "one", " two ", "one", ""]);
    expect(marked("nothing", /one/gi)).toEqual(["nothing"]);
    expect(marked("all", null)).toEqual(["all"]);
  });

  it("does not stumble over a pattern that finds nothing at every place", () => {
    expect(marked("abc", /x*/gi).join("")).toBe("abc");
  });
});
