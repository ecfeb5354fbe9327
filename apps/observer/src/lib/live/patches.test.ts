// @vitest-environment node
import { expect, test } from "vitest";
import type { Model } from "../api/client";
import { mapItems, withChange, withPresence } from "./patches";

const AGENT = {
  id: "a1",
  name: "builder",
  online: false,
  load: 0,
  capacity: 0,
  muted: false,
  last_seen_at: "2026-01-01T00:00:00Z",
} as Model<"AgentResource">;

const TASK = {
  id: "t1",
  state: "submitted",
  mirror: "mirrored",
  reason: null,
  agent: null,
  updated_at: "2026-01-01T00:00:10Z",
} as Model<"TaskResource">;

const PRESENT = { id: "a1", name: "builder", online: true, load: 2, capacity: 4, muted: false };

test("presence changes the agent that it names, and no other", () => {
  const other = { ...AGENT, id: "a2" };
  const list = { items: [AGENT, other], next_cursor: null };
  const next = mapItems(list, (agent: Model<"AgentResource">) => withPresence(agent, { agents: [PRESENT] }));
  expect(next.items[0]).toMatchObject({
    online: true,
    load: 2,
    capacity: 4,
    last_seen_at: AGENT.last_seen_at,
  });
  expect(next.items[1]).toBe(other);
});

test("presence that says nothing new leaves the very same list", () => {
  const list = { items: [withPresence(AGENT, { agents: [PRESENT] })] };
  expect(mapItems(list, (agent: typeof AGENT) => withPresence(agent, { agents: [PRESENT] }))).toBe(list);
});

test("a change reaches a task on any page of an infinite query", () => {
  const data = { pages: [{ items: [{ ...TASK, id: "t0" }] }, { items: [TASK] }], pageParams: [null, "c"] };
  const change = {
    id: "t1",
    state: "working",
    mirror: "mirrored",
    agent: "builder",
    updated_at: "2026-01-01T00:00:11Z",
  };
  const next = mapItems(data, (task: typeof TASK) =>
    withChange(task, change as Parameters<typeof withChange>[1]),
  );
  expect(next.pages[1]?.items[0]).toMatchObject({ state: "working", agent: "builder", reason: null });
  expect(next.pages[0]).toBe(data.pages[0]);
  expect(next.pageParams).toBe(data.pageParams);
});

test("a change that is older than the task is dropped", () => {
  const late = {
    id: "t1",
    state: "offered",
    mirror: "mirrored",
    updated_at: "2026-01-01T00:00:09Z",
  } as const;
  expect(withChange(TASK, late)).toBe(TASK);
});
