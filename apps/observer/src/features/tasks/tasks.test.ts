import { describe, expect, it } from "vitest";
import { merged, rowOf, spilled, type Row } from "./paging";
import { NO_FILTERS, isWanted, queryOf, type Task } from "./params";
import { choicesFor } from "./reassigning";
import { stateWords } from "./words";

const NOW = Date.parse("2026-03-12T14:00:00Z");

function row(change: Partial<Task> = {}): Row {
  const task: Task = {
    id: "task",
    conversation_id: change.id ?? "task",
    title: "Export loses a row",
    type: "fix_bug",
    state: "working",
    mirror: "mirrored",
    reason: null,
    agent: null,
    epoch: 1,
    alias: "AI_Squad",
    requested_by: "Dana",
    waiting_seconds: null,
    open_question: false,
    item_id: "item",
    list_id: "list",
    list_name: "Inbox",
    channel_id: "C1",
    channel_name: "ai-squad",
    root_ts: null,
    url: "https://example.com",
    trace_id: null,
    created_at: "2026-03-12T13:00:00Z",
    updated_at: "2026-03-12T13:00:00Z",
    ...change,
  };
  return rowOf(task, NOW);
}

function rows(...ids: string[]): Row[] {
  return ids.map((id) => row({ id }));
}

function ids(of: readonly Row[]): string[] {
  return of.map(({ id }) => id);
}

describe("stateWords", () => {
  const waiting = { state: "submitted", waiting_seconds: 250 } as const;

  it("says for how long a task has waited, and for what", () => {
    expect(stateWords(row({ ...waiting, reason: "agent_offline" }), NOW)).toBe("4 min: no agent online");
    expect(stateWords(row({ ...waiting, reason: "no_skill" }), NOW)).toBe("4 min: no agent can do fix_bug");
    expect(stateWords(row({ ...waiting, reason: "something new" }), NOW)).toBe("4 min: something new");
  });

  it("goes on counting while the row stays the same", () => {
    const task = row({ ...waiting, reason: "agent_busy" });
    expect(stateWords(task, NOW + 3_600_000)).toBe("1 h 4 min: every agent is busy");
  });

  it("says nothing of time where none is known", () => {
    expect(stateWords(row({ ...waiting, waiting_seconds: null, reason: "muted" }), NOW)).toBe(
      "the agent is muted",
    );
  });

  it("says that a list is not linked", () => {
    const task = row({ state: null, mirror: "addressed, not mapped", waiting_seconds: 30 });
    expect(stateWords(task, NOW)).toBe("30 s: its list is not linked");
  });

  it("adds nothing to a state that says it all", () => {
    expect(stateWords(row({ state: "completed", reason: "" }), NOW)).toBeNull();
    expect(stateWords(row({ state: "working" }), NOW)).toBeNull();
    expect(stateWords(row({ state: "working", reason: "stale" }), NOW)).toBe("no sign of life for 30 min");
  });
});

describe("isWanted", () => {
  it("lets go of a task that an event has taken out of the group", () => {
    const filters = { ...NO_FILTERS, show: "working" } as const;
    expect(isWanted(row({ state: "working" }), filters)).toBe(true);
    expect(isWanted(row({ state: "completed" }), filters)).toBe(false);
    expect(isWanted(row({ state: null }), filters)).toBe(false);
  });

  it("counts an addressed task without a link as waiting, and a closed one not", () => {
    const filters = { ...NO_FILTERS, waiting: true };
    expect(isWanted(row({ state: null, mirror: "addressed, not mapped" }), filters)).toBe(true);
    expect(isWanted(row({ state: null, mirror: "closed" }), filters)).toBe(false);
    expect(isWanted(row({ state: "submitted" }), filters)).toBe(true);
  });

  it("knows agent and mirror", () => {
    expect(isWanted(row({ agent: "fixer" }), { ...NO_FILTERS, agent: "fixer" })).toBe(true);
    expect(isWanted(row(), { ...NO_FILTERS, agent: "fixer" })).toBe(false);
    expect(isWanted(row(), { ...NO_FILTERS, mirror: "closed" })).toBe(false);
  });
});

describe("queryOf", () => {
  it("asks for what was chosen, and for nothing else", () => {
    expect(queryOf(NO_FILTERS)).toEqual({});
    expect(queryOf({ ...NO_FILTERS, show: "people", list: "9", q: " export " })).toEqual({
      state: ["input_required", "approval_required"],
      list_id: "9",
      q: "export",
    });
  });
});

describe("merged", () => {
  it("has each conversation once, as the newest page knows it", () => {
    const newest = [row({ id: "3" }), row({ id: "2", title: "New title" })];
    const all = merged(newest, rows("2", "1"));
    expect(ids(all)).toEqual(["3", "2", "1"]);
    expect(all[1]?.title).toBe("New title");
  });
});

describe("spilled", () => {
  it("is what new tasks have pushed off the end of the newest page", () => {
    expect(spilled(rows("4", "3", "2"), rows("6", "5", "4"))).toMatchObject({ reset: false });
    expect(ids(spilled(rows("4", "3", "2"), rows("6", "5", "4")).rows)).toEqual(["3", "2"]);
  });

  it("is nothing when nothing came, or when a task only left the filter", () => {
    expect(spilled(rows("3", "2"), rows("3", "2")).rows).toEqual([]);
    expect(spilled(rows("3", "2", "1"), rows("3", "1")).rows).toEqual([]);
  });

  it("starts anew when nobody knows what is in between", () => {
    expect(spilled(rows("2", "1"), rows("9", "8"))).toEqual({ rows: [], reset: true });
    expect(spilled([], rows("9"))).toEqual({ rows: [], reset: false });
  });
});

describe("choicesFor", () => {
  const agent = {
    name: "fixer",
    aliases: ["@ai_squad"],
    skills: ["fix_bug"],
    sessions: [],
    online: true,
    muted: false,
    load: 1,
    capacity: 4,
    revoked_at: null,
  };
  const task = { alias: "AI_Squad", type: "fix_bug", agent: "holder" };

  it("offers first who could take it at once, then who is offline, then who cannot", () => {
    const choices = choicesFor(task, [
      { ...agent, name: "stranger", aliases: ["@other"] },
      { ...agent, name: "sleeper", online: false },
      agent,
      { ...agent, name: "writer", skills: ["write"] },
    ]);
    expect(choices.map(({ name, whyNot }) => [name, whyNot])).toEqual([
      ["fixer", null],
      ["sleeper", null],
      ["stranger", "is not behind @AI_Squad"],
      ["writer", "cannot do fix_bug"],
    ]);
    expect(choices[0]?.status).toBe("1 of 4 busy");
  });

  it("leaves out who holds it and who is revoked", () => {
    const revoked = { ...agent, name: "gone", revoked_at: "2026-03-01T00:00:00Z" };
    expect(choicesFor(task, [{ ...agent, name: "holder" }, revoked])).toEqual([]);
  });
});
