import { describe, expect, it } from "vitest";
import type { Entry } from "../detail-queries";
import type { Task } from "../params";
import { failedOf, hopsOf } from "./hops";

const NOW = Date.parse("2026-03-12T15:00:00Z");

function entry(change: Partial<Entry> & { kind: string }): Entry {
  return {
    id: change.kind,
    at: "2026-03-12T14:00:00Z",
    started_at: null,
    duration_ms: null,
    level: "info",
    summary: "Summary",
    attempts: [],
    trace_id: null,
    data: {},
    ...change,
  };
}

function task(change: Partial<Task> = {}): Task {
  return {
    id: "task",
    conversation_id: "conversation",
    title: "Export loses a row",
    type: "fix_bug",
    state: "completed",
    mirror: "mirrored",
    reason: null,
    agent: "fixer",
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
    updated_at: "2026-03-12T14:00:00Z",
    ...change,
  };
}

function only(change: Partial<Entry> & { kind: string }) {
  const [hop] = hopsOf([entry(change)], undefined, NOW);
  if (hop === undefined) throw new Error("There is no hop");
  return hop;
}

describe("hopsOf", () => {
  it("lasts from when it began, for as long as it took", () => {
    const hop = only({ kind: "webhook.done", started_at: "2026-03-12T14:00:00.100Z", duration_ms: 250 });
    expect(hop.start).toBe(Date.parse("2026-03-12T14:00:00.100Z"));
    expect(hop.end - hop.start).toBe(250);
  });

  it("is a moment when nobody knows of a beginning", () => {
    const hop = only({ kind: "task.plan" });
    expect(hop.end).toBe(hop.start);
    expect(hop.isOpen).toBe(false);
  });

  it("lasts until now when it has begun and not ended", () => {
    const hop = only({ kind: "delivery.pending", started_at: "2026-03-12T14:00:00Z" });
    expect(hop).toMatchObject({ isOpen: true, end: NOW, tone: "active" });
  });

  it("marks each try when there were several", () => {
    const attempts = [
      { at: "2026-03-12T14:00:01Z", outcome: "retry", reason: "rate_limited" },
      { at: "2026-03-12T14:00:04Z", outcome: "done", reason: null },
    ];
    const started = { started_at: "2026-03-12T14:00:00Z", duration_ms: 4000 };
    expect(only({ kind: "delivery.done", ...started, attempts }).marks).toHaveLength(2);
    expect(only({ kind: "delivery.done", ...started, attempts: attempts.slice(1) }).marks).toEqual([]);
  });

  it("stands in the order of beginnings, not of ends", () => {
    const slow = entry({
      kind: "delivery.done",
      started_at: "2026-03-12T14:00:00Z",
      duration_ms: 60_000,
      at: "2026-03-12T14:01:00Z",
    });
    const quick = entry({ kind: "task.accept", at: "2026-03-12T14:00:05Z" });
    expect(hopsOf([quick, slow], undefined, NOW).map(({ id }) => id)).toEqual([
      "delivery.done",
      "task.accept",
    ]);
  });

  it("says what came from which tool, and what became of it", () => {
    expect(only({ kind: "webhook.ignored", data: { source: "clickup" } })).toMatchObject({
      words: "Webhook from ClickUp",
      outcome: "nothing to do",
      tone: "offline",
    });
    expect(
      only({ kind: "delivery.dead", level: "error", data: { sink: "slack", kind: "card_update" } }),
    ).toMatchObject({
      words: "Card update to Slack",
      outcome: "given up",
      tone: "failed",
    });
  });

  it("keeps Nexus's words for what it does not know", () => {
    expect(only({ kind: "task.cloned", summary: "Task cloned" }).words).toBe("Task cloned");
    expect(only({ kind: "constructor", summary: "Odd" }).words).toBe("Odd");
  });

  it("counts the steps of a plan that are done", () => {
    const steps = [{ state: "done" }, { state: "pending" }, "odd"];
    expect(only({ kind: "task.plan", data: { steps } }).words).toBe("Plan: 1 of 3 steps done");
  });

  it("ends with what goes on now, since the task came into its state", () => {
    const entries = [
      entry({ kind: "task.submitted", at: "2026-03-12T14:00:00Z" }),
      entry({ kind: "task.accept", at: "2026-03-12T14:10:00Z" }),
      entry({ kind: "task.plan", at: "2026-03-12T14:20:00Z" }),
    ];
    const now = hopsOf(entries, task({ state: "working" }), NOW).find(({ id }) => id === "now");
    expect(now).toMatchObject({
      start: Date.parse("2026-03-12T14:10:00Z"),
      end: NOW,
      words: "Working · fixer",
      isOpen: true,
    });
  });

  it("has nothing going on when the task is over or closed", () => {
    expect(hopsOf([], task({ state: "failed" }), NOW)).toEqual([]);
    expect(hopsOf([], task({ state: null, mirror: "closed" }), NOW)).toEqual([]);
  });
});

describe("failedOf", () => {
  it("is the newest step that failed", () => {
    const hops = hopsOf(
      [
        entry({ kind: "delivery.dead", id: "first", level: "error" }),
        entry({ kind: "delivery.dead", id: "last", level: "error", at: "2026-03-12T14:05:00Z" }),
        entry({ kind: "task.accept", at: "2026-03-12T14:06:00Z" }),
      ],
      undefined,
      NOW,
    );
    expect(failedOf(hops)).toBe("last");
    expect(failedOf(hopsOf([entry({ kind: "task.accept" })], undefined, NOW))).toBeNull();
  });
});
