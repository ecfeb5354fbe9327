import { describe, expect, it } from "vitest";
import { overviewOf } from "./example";
import { roughly, verdictOf, withStats } from "./verdict";

const well = overviewOf();

describe("the verdict", () => {
  it("is good when everything is answered and every part is well", () => {
    expect(verdictOf(well)).toEqual({
      tone: "ok",
      title: "Everything is answered",
      since: null,
      concerns: [],
    });
  });

  it("names how many have no answer, and since when the oldest waits", () => {
    const late = overviewOf({ unanswered: { count: 3, oldest_seconds: 240, items: [] } });
    expect(verdictOf(late)).toMatchObject({
      tone: "waiting",
      title: "3 messages have no answer",
      since: new Date(Date.parse(late.generated_at) - 240_000).toISOString(),
    });
    const one = overviewOf({ unanswered: { count: 1, oldest_seconds: 12, items: [] }, dead: { count: 1 } });
    expect(verdictOf(one)).toMatchObject({ tone: "failed", title: "1 message has no answer" });
  });

  it("says what is wrong although nobody waits yet, the worst first", () => {
    const sick = overviewOf({
      agents: { online: 0, total: 2, muted: 0, busy: 0, capacity: 0 },
      vendors: [
        {
          connection_id: "c1",
          vendor: "clickup",
          name: "Acme",
          state: "down",
          checks: [{ name: "Webhook", state: "failed", detail: "It is suspended.", hint: null }],
          checked_at: null,
        },
      ],
    });
    const { title, tone, concerns } = verdictOf(sick);
    expect(title).toBe("Everything is answered, but ClickUp is down");
    expect(tone).toBe("failed");
    expect(concerns.map(({ short }) => short)).toEqual(["ClickUp is down", "no agent is online"]);
    expect(concerns[0]?.detail).toBe("It is suspended.");
  });

  it("promises nothing while nothing is set up", () => {
    const none = { clickup: false, slack: false, mapping: false, agent: false };
    const fresh = overviewOf({
      first_run: { ...none, agent_online: false, mirrored: false, mirrored_task_id: null },
    });
    expect(verdictOf(fresh).title).toBe("Nothing to answer yet");
  });
});

describe("figures over the socket", () => {
  const late = overviewOf({
    unanswered: {
      count: 1,
      oldest_seconds: 30,
      items: [{ id: "1", kind: "event", title: "x", why: "y", since: well.generated_at, task_id: null }],
    },
  });
  const stats = { unanswered: 0, waiting_tasks: 4, dead: 2, agents_online: 1, at: "2026-03-12T15:00:00Z" };

  it("replace older ones, and take away what is answered", () => {
    const merged = withStats(late, stats);
    expect(merged.unanswered).toEqual({ count: 0, oldest_seconds: null, items: [] });
    expect([merged.waiting.tasks, merged.dead.count, merged.agents.online]).toEqual([4, 2, 1]);
  });

  it("change nothing when they are older than what was read", () => {
    expect(withStats(late, { ...stats, at: "2026-03-12T13:00:00Z" })).toBe(late);
    expect(withStats(late, undefined)).toBe(late);
  });
});

describe("a rough length of time", () => {
  it("does not tick", () => {
    expect([5_900, 61_000, 7_500_000, 200_000_000].map(roughly)).toEqual(["5 s", "1 min", "2 h", "2 days"]);
  });
});
