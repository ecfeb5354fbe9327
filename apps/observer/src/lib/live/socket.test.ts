// @vitest-environment node
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError, NEXUS_AWAY, SIGNED_OUT } from "../api/problem";
import { FakeNexus } from "../../../tests/support/fake-nexus";
import { followFeed } from "./feed";
import { AdminSocket } from "./socket";

let nexus: FakeNexus;
let socket: AdminSocket;

beforeEach(() => {
  vi.useFakeTimers();
  nexus = new FakeNexus();
  socket = new AdminSocket({ fetchTicket: () => nexus.fetchTicket(), open: nexus.open, random: () => 1 });
});
afterEach(() => {
  socket.stop();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Lets what was promised happen, and `ms` pass. */
async function pass(ms = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

async function connected(): Promise<void> {
  socket.start();
  await pass();
  nexus.latest.says("connect");
}

function line(id: string) {
  return {
    id,
    ts: "2026-01-01T00:00:00Z",
    level: "info",
    kind: "k",
    source: "s",
    tenant_id: "t",
    message: "m",
  };
}

test("a ticket leads to a live connection", async () => {
  await connected();
  expect(socket.status).toEqual({ state: "live", reason: null });
  expect(nexus.latest.ticket.token).toBe("ticket 1");
});

test("a connection that ends is opened anew with a new ticket", async () => {
  await connected();
  nexus.latest.says("disconnect", "transport close");
  expect(socket.status.state).toBe("reconnecting");
  await pass(500);
  nexus.latest.says("connect");
  expect(socket.status.state).toBe("live");
  expect(nexus.connections.map(({ ticket }) => ticket.token)).toEqual(["ticket 1", "ticket 2"]);
});

test("tries become rarer, up to one in 15 seconds, until one works", async () => {
  socket.start();
  const waits: number[] = [];
  for (let attempt = 1; attempt <= 7; attempt += 1) {
    await pass();
    nexus.latest.says("connect_error", new Error("websocket error"));
    let waited = 0;
    while (nexus.connections.length === attempt) {
      await pass(100);
      waited += 100;
    }
    waits.push(waited);
  }
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
});

test("a ticket that Nexus is too far away to give is asked for again", async () => {
  vi.spyOn(nexus, "fetchTicket").mockRejectedValueOnce(
    new ApiError(503, NEXUS_AWAY, "Nexus does not answer."),
  );
  socket = new AdminSocket({ fetchTicket: () => nexus.fetchTicket(), open: nexus.open, random: () => 1 });
  socket.start();
  await pass();
  expect(socket.status).toEqual({ state: "reconnecting", reason: "Nexus does not answer." });
  await pass(500);
  nexus.latest.says("connect");
  expect(socket.status.state).toBe("live");
});

test("without a session it gives up and says why", async () => {
  socket = new AdminSocket({
    fetchTicket: () => Promise.reject(new ApiError(401, SIGNED_OUT, "Your session ended.")),
    open: nexus.open,
  });
  socket.start();
  await pass(60_000);
  expect(socket.status).toEqual({ state: "refused", reason: "Your session ended." });
  expect(nexus.connections).toHaveLength(0);
});

test("refused by Nexus, it waits for a person", async () => {
  socket.start();
  await pass();
  nexus.latest.says("connect_error", new Error("forbidden"));
  await pass(60_000);
  expect(socket.status.state).toBe("refused");
  expect(nexus.connections).toHaveLength(1);
  socket.start();
  await pass();
  expect(nexus.connections).toHaveLength(2);
});

test("an expired ticket is only a reason for a new one", async () => {
  socket.start();
  await pass();
  nexus.latest.says("connect_error", new Error("token_expired"));
  await pass(500);
  nexus.latest.says("connect");
  expect(socket.status.state).toBe("live");
});

test("asked for a fresh token, it sends a new ticket over the same connection", async () => {
  await connected();
  nexus.latest.says("auth.refresh", { expires_in: 90 });
  await pass();
  expect(nexus.connections).toHaveLength(1);
  expect(nexus.latest.sent).toEqual([{ name: "auth.refresh", body: { token: "ticket 2" } }]);
});

test("a process that drains is given its time before the next try", async () => {
  await connected();
  nexus.latest.says("server.draining", { reconnect_after_seconds: 3 });
  nexus.latest.says("disconnect", "io server disconnect");
  await pass(3400);
  expect(nexus.connections).toHaveLength(1);
  await pass(200);
  expect(nexus.connections).toHaveLength(2);
});

test("a frame of another shape is dropped, and the next one is heard", async () => {
  vi.spyOn(console, "warn").mockReturnValue();
  const heard = vi.fn();
  socket.on("stats", heard);
  await connected();
  const stats = { unanswered: 1, waiting_tasks: 0, dead: 2, agents_online: 3, at: "2026-01-01T00:00:00Z" };
  nexus.latest.says("stats", { ...stats, dead: "two" });
  nexus.latest.says("stats", stats);
  expect(heard.mock.calls).toEqual([[stats]]);
});

test("the feed begins with a tail, and goes on from the last cursor after a reconnect", async () => {
  const onLines = vi.fn<(lines: { id: string }[]) => void>();
  const end = followFeed(socket, { filters: { levels: ["error"] }, tail: 100, onLines });
  await connected();
  expect(nexus.latest.sent).toEqual([
    { name: "subscribe", body: { filters: { levels: ["error"] }, tail: 100 } },
  ]);
  nexus.latest.says("feed", { lines: [line("1")], cursor: "c1" });
  nexus.latest.says("disconnect", "transport close");
  await pass(500);
  nexus.latest.says("connect");
  expect(nexus.latest.sent).toEqual([
    { name: "resume", body: { since: "c1", filters: { levels: ["error"] } } },
  ]);
  nexus.latest.says("feed", { lines: [line("2")], cursor: "c2" });
  expect(onLines.mock.calls.map(([lines]) => lines.map(({ id }) => id))).toEqual([["1"], ["2"]]);
  end();
});

test("a follower hears when lines are missing", async () => {
  const onTruncated = vi.fn();
  followFeed(socket, { filters: {}, tail: 0, onLines: vi.fn(), onTruncated });
  socket.start();
  await pass();
  nexus.latest.answer = () => ({ ok: true, cursor: "c0", truncated: true });
  nexus.latest.says("connect");
  await pass();
  expect(onTruncated).toHaveBeenCalledOnce();
});

test("a follower hears when Nexus refuses the filters", async () => {
  const onRefused = vi.fn();
  followFeed(socket, { filters: {}, tail: 0, onLines: vi.fn(), onRefused });
  socket.start();
  await pass();
  nexus.latest.answer = () => ({ ok: false, code: "invalid", message: "No." });
  nexus.latest.says("connect");
  await pass();
  expect(onRefused).toHaveBeenCalledOnce();
});

test("nothing is opened after the end, even when a ticket comes late", async () => {
  socket.start();
  socket.stop();
  await pass(60_000);
  expect(nexus.connections).toHaveLength(0);
});
