import { describe, expect, it } from "vitest";
import {
  axisDuration,
  inView,
  minutesToRead,
  parseZoom,
  serializeZoom,
  stepSeconds,
  totals,
  zoomBetween,
  type Bucket,
} from "./range";

const BEGIN = Date.parse("2026-03-12T14:00:00Z") / 1000;

function bucket(minute: number, more: Partial<Bucket> = {}): Bucket {
  const at = new Date((BEGIN + minute * 60) * 1000).toISOString();
  return { at, received: 0, delivered: 0, failed: 0, p95_ms: null, ...more };
}

const series = [0, 1, 2, 3, 4].map((minute) => bucket(minute, { delivered: minute, failed: 1 }));

describe("a zoom in the URL", () => {
  it("comes back as it was", () => {
    const zoom = { from: BEGIN, to: BEGIN + 600 };
    expect(parseZoom(serializeZoom(zoom))).toEqual(zoom);
  });

  it("is nothing when somebody mistyped it or turned it around", () => {
    for (const text of ["", "1-2", "x", `${BEGIN}`, `${BEGIN + 60}-${BEGIN}`, `${BEGIN}-${BEGIN}`]) {
      expect(parseZoom(text), text).toBeNull();
    }
  });
});

describe("dragging over a chart", () => {
  it("picks the same buckets in either direction, the last one whole", () => {
    const expected = { from: BEGIN + 60, to: BEGIN + 240 };
    expect(zoomBetween(series, bucket(1).at, bucket(3).at)).toEqual(expected);
    expect(zoomBetween(series, bucket(3).at, bucket(1).at)).toEqual(expected);
  });

  it("picks nothing when it is only a click", () => {
    expect(zoomBetween(series, bucket(1).at, bucket(1).at)).toBeNull();
  });
});

describe("what is looked at", () => {
  it("is what the zoom holds", () => {
    const seen = inView(series, { from: BEGIN + 60, to: BEGIN + 180 });
    expect(seen.map(({ delivered }) => delivered)).toEqual([1, 2]);
  });

  it("is everything once the zoomed part is too long ago", () => {
    expect(inView(series, { from: BEGIN - 900, to: BEGIN - 600 })).toBe(series);
  });

  it("is summed up", () => {
    expect(totals([...series, bucket(5, { p95_ms: 120 }), bucket(6, { p95_ms: 80 })])).toEqual({
      received: 0,
      delivered: 10,
      failed: 5,
      slowest_ms: 120,
    });
    expect(totals(series).slowest_ms).toBeNull();
  });
});

describe("what Nexus is asked for", () => {
  it("is the range, and less when a recent part of it is looked at", () => {
    const now = BEGIN + 3600;
    expect(minutesToRead("7d", null, now)).toBe(10_080);
    expect(minutesToRead("7d", { from: now - 1800, to: now }, now)).toBe(60);
    expect(minutesToRead("7d", { from: now - 5 * 86_400, to: now }, now)).toBe(10_080);
  });

  it("never goes beyond the range", () => {
    expect(minutesToRead("15m", { from: BEGIN - 90_000, to: BEGIN }, BEGIN)).toBe(15);
  });

  it("has buckets whose length can be told", () => {
    expect(stepSeconds(series)).toBe(60);
    expect(stepSeconds([])).toBe(60);
  });
});

describe("an axis of durations", () => {
  it("has short words", () => {
    expect([0, 250, 2500, 450_000, 10_800_000].map(axisDuration)).toEqual([
      "0",
      "250 ms",
      "2.5 s",
      "7.5 min",
      "3 h",
    ]);
  });
});
