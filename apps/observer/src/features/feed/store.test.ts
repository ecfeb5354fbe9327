import type { FeedLine } from "@oblivion/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FeedStore } from "./store";

const START = Date.parse("2026-03-12T14:00:00Z");

/** A line `second` seconds after the start. */
function line(second: number, id = `line-${second}`): FeedLine {
  return {
    id,
    ts: new Date(START + second * 1000).toISOString(),
    level: "info",
    kind: "task.accept",
    source: "agent",
    tenant_id: "tenant",
    message: `Line ${second}`,
  };
}

function lines(from: number, to: number): FeedLine[] {
  return Array.from({ length: to - from }, (_, at) => line(from + at));
}

function ids(store: FeedStore): string[] {
  return store.getSnapshot().entries.map(({ id }) => id);
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function flush(): void {
  vi.advanceTimersByTime(1000);
}

describe("FeedStore", () => {
  it("tells its readers once, however many lines come in a moment", () => {
    const store = new FeedStore();
    const heard = vi.fn();
    store.subscribe(heard);
    for (const each of lines(0, 100)) store.receive([each]);
    expect(heard).not.toHaveBeenCalled();
    flush();
    expect(heard).toHaveBeenCalledTimes(1);
    expect(store.getSnapshot().entries).toHaveLength(100);
  });

  it("keeps each line once, also when it is sent again after a reconnect", () => {
    const store = new FeedStore();
    store.receive(lines(0, 3));
    flush();
    store.receive(lines(1, 5));
    flush();
    expect(ids(store)).toEqual(["line-0", "line-1", "line-2", "line-3", "line-4"]);
  });

  it("puts a line that comes late where it belongs", () => {
    const store = new FeedStore();
    store.receive([line(0), line(2)]);
    flush();
    store.receive([line(3), line(1)]);
    flush();
    expect(ids(store)).toEqual(["line-0", "line-1", "line-2", "line-3"]);
  });

  it("orders lines of one instant by id, and those of one millisecond by microseconds", () => {
    const store = new FeedStore();
    store.receive([
      { ...line(0, "b"), ts: "2026-03-12T14:00:00.000200Z" },
      { ...line(0, "z"), ts: "2026-03-12T14:00:00Z" },
      { ...line(0, "a"), ts: "2026-03-12T14:00:00.000200Z" },
    ]);
    flush();
    expect(ids(store)).toEqual(["z", "a", "b"]);
  });

  it("drops the oldest lines beyond its capacity", () => {
    const store = new FeedStore({ capacity: 3 });
    store.receive(lines(0, 2));
    flush();
    store.receive(lines(2, 5));
    flush();
    expect(ids(store)).toEqual(["line-2", "line-3", "line-4"]);
  });

  it("does not grow while the page is in the background and no timer runs", () => {
    const store = new FeedStore({ capacity: 3 });
    store.receive(lines(0, 100));
    store.receive(lines(100, 200));
    store.receive([line(200)]);
    flush();
    expect(ids(store)).toEqual(["line-198", "line-199", "line-200"]);
  });

  it("shows the same lines for as long as it is paused, and counts the new ones", () => {
    const store = new FeedStore({ capacity: 3 });
    store.receive(lines(0, 3));
    flush();
    store.pause("scroll");
    const { entries } = store.getSnapshot();
    store.receive(lines(3, 5));
    flush();
    expect(store.getSnapshot().entries).toBe(entries);
    expect(store.getSnapshot().unseen.map(({ id }) => id)).toEqual(["line-3", "line-4"]);
    store.resume();
    expect(ids(store)).toEqual(["line-2", "line-3", "line-4"]);
    expect(store.getSnapshot()).toMatchObject({ unseen: [], pause: null });
  });

  it("pauses at what is seen: lines on their way do not move it", () => {
    const store = new FeedStore();
    store.receive([line(0)]);
    flush();
    store.receive([line(1)]);
    store.pause("hold");
    expect(ids(store)).toEqual(["line-0"]);
  });

  it("shows the old lines until the first ones for other filters are there", () => {
    const store = new FeedStore();
    store.receive(lines(0, 2));
    flush();
    store.expect(false);
    flush();
    expect(ids(store)).toEqual(["line-0", "line-1"]);
    store.receive([line(7)]);
    flush();
    expect(ids(store)).toEqual(["line-7"]);
  });

  it("keeps the lines when the filters only become narrower", () => {
    const store = new FeedStore();
    store.receive(lines(5, 7));
    flush();
    store.expect(true);
    store.receive([line(1), line(5)]);
    flush();
    expect(ids(store)).toEqual(["line-1", "line-5", "line-6"]);
  });

  it("has begun when Nexus has answered, though not before lines on their way can be there", () => {
    const store = new FeedStore();
    store.begun();
    expect(store.getSnapshot().hasBegun).toBe(false);
    flush();
    expect(store.getSnapshot().hasBegun).toBe(true);
    store.expect(false);
    expect(store.getSnapshot().hasBegun).toBe(false);
  });

  it("marks where lines are missing after an interruption that was too long", () => {
    const store = new FeedStore();
    store.receive(lines(0, 3));
    store.interrupted();
    store.truncated();
    store.receive(lines(90, 92));
    flush();
    expect(store.getSnapshot().gaps).toMatchObject([{ after: (START + 2000) * 1000 }]);
  });

  it("marks one interruption once, and none when nothing was there before", () => {
    const store = new FeedStore();
    store.interrupted();
    store.truncated();
    expect(store.getSnapshot().gaps).toEqual([]);
    store.receive([line(0)]);
    store.interrupted();
    store.truncated();
    store.truncated();
    expect(store.getSnapshot().gaps).toHaveLength(1);
  });

  it("forgets a gap when the lines on both sides of it are gone", () => {
    const store = new FeedStore({ capacity: 3 });
    store.receive(lines(0, 3));
    store.interrupted();
    store.truncated();
    store.receive(lines(10, 13));
    flush();
    expect(store.getSnapshot().gaps).toHaveLength(1);
    store.receive([line(13)]);
    flush();
    expect(store.getSnapshot().gaps).toEqual([]);
  });
});
