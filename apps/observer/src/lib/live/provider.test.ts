// @vitest-environment node
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { QueryObserver, type QueryClient } from "@tanstack/react-query";
import { createQueryClient } from "../api/provider";
import { FakeNexus } from "../../../tests/support/fake-nexus";
import { connectCache } from "./provider";
import { AdminSocket } from "./socket";

let nexus: FakeNexus;
let socket: AdminSocket;
let queries: QueryClient;
let end: () => void;

beforeEach(async () => {
  vi.useFakeTimers();
  nexus = new FakeNexus();
  socket = new AdminSocket({ fetchTicket: nexus.fetchTicket, open: nexus.open, random: () => 1 });
  queries = createQueryClient();
  end = connectCache(socket, queries);
  socket.start();
  await vi.advanceTimersByTimeAsync(0);
  nexus.latest.says("connect");
});
afterEach(() => {
  end();
  socket.stop();
  queries.clear();
  vi.useRealTimers();
});

test("stats are on every page at once", () => {
  const stats = { unanswered: 1, waiting_tasks: 0, dead: 2, agents_online: 3, at: "2026-01-01T00:00:00Z" };
  nexus.latest.says("stats", stats);
  expect(queries.getQueryData(["stats"])).toEqual(stats);
});

test("a task's change is shown at once and read anew a second later, however many come", async () => {
  queries.setQueryData(["tasks", { q: "" }], {
    items: [{ id: "t1", state: "submitted", updated_at: "2026-01-01T00:00:00Z" }],
  });
  const invalidate = vi.spyOn(queries, "invalidateQueries");
  const change = { id: "t1", state: "working", mirror: "mirrored", updated_at: "2026-01-01T00:00:01Z" };
  nexus.latest.says("task", change);
  nexus.latest.says("task", { ...change, state: "completed", updated_at: "2026-01-01T00:00:02Z" });
  expect(queries.getQueryData(["tasks", { q: "" }])).toMatchObject({ items: [{ state: "completed" }] });
  expect(invalidate).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1000);
  expect(invalidate.mock.calls.filter(([filters]) => filters?.queryKey?.[0] === "tasks")).toHaveLength(1);
});

test("agents are read anew when presence tells of more than itself, not whenever somebody was heard of", async () => {
  const agent = { id: "a1", name: "builder", online: true, load: 0, capacity: 4, muted: false };
  queries.setQueryData(["agents"], { items: [{ ...agent, revoked_at: null, last_seen_at: null }] });
  const invalidate = vi.spyOn(queries, "invalidateQueries");
  const readsOfAgents = () =>
    invalidate.mock.calls.filter(([filters]) => filters?.queryKey?.[0] === "agents").length;
  nexus.latest.says("presence", { agents: [{ ...agent, last_seen_at: "2026-01-01T00:00:05Z" }] });
  await vi.advanceTimersByTimeAsync(2000);
  expect(queries.getQueryData(["agents"])).toMatchObject({
    items: [{ last_seen_at: "2026-01-01T00:00:05Z" }],
  });
  expect(readsOfAgents()).toBe(0);
  nexus.latest.says("presence", { agents: [{ ...agent, load: 1 }] });
  await vi.advanceTimersByTimeAsync(2000);
  expect(readsOfAgents()).toBe(1);
  nexus.latest.says("presence", {
    agents: [
      { ...agent, load: 1 },
      { ...agent, id: "a2", name: "new" },
    ],
  });
  await vi.advanceTimersByTimeAsync(2000);
  expect(readsOfAgents()).toBe(2);
});

test("after an interruption everything is read anew", async () => {
  const invalidate = vi.spyOn(queries, "invalidateQueries");
  nexus.latest.says("disconnect", "transport close");
  await vi.advanceTimersByTimeAsync(500);
  expect(invalidate).not.toHaveBeenCalled();
  nexus.latest.says("connect");
  expect(invalidate).toHaveBeenCalledOnce();
});

test("while nothing is heard, what is on the screen is read every 15 seconds", async () => {
  const invalidate = vi.spyOn(queries, "invalidateQueries");
  await vi.advanceTimersByTimeAsync(30_000);
  expect(invalidate).not.toHaveBeenCalled();
  nexus.latest.says("connect_error", new Error("forbidden"));
  await vi.advanceTimersByTimeAsync(15_000);
  expect(invalidate).toHaveBeenCalledOnce();
});

test("a read that takes longer than the turn of polling is not begun anew", async () => {
  queries.setQueryData(["tasks"], { items: [] });
  let reads = 0;
  const unsubscribe = new QueryObserver(queries, {
    queryKey: ["tasks"],
    queryFn: () => {
      reads += 1;
      return new Promise(() => undefined); // as of a hung Nexus
    },
  }).subscribe(() => undefined);
  nexus.latest.says("disconnect", "ping timeout");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(reads).toBe(1);
  unsubscribe();
});
