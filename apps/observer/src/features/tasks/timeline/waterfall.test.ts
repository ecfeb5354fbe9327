import { describe, expect, it } from "vitest";
import { silenceBefore, waterfall, type Span } from "./waterfall";

const SECOND = 1000;
const HOUR = 3600 * SECOND;

/** From and to in seconds; the id is what it is called. */
function span(id: string, from: number, to: number, marks: number[] = []): Span {
  const at = (second: number) => Date.parse("2026-03-12T14:00:00Z") + second * SECOND;
  return { id, start: at(from), end: at(to), marks: marks.map(at) };
}

function place(spans: Span[], id: string) {
  const placed = waterfall(spans).placed.get(id);
  if (placed === undefined) throw new Error(`${id} was not placed`);
  return placed;
}

describe("waterfall", () => {
  it("is linear where something happens all the time", () => {
    const spans = [span("webhook", 0, 1), span("work", 1, 3), span("post", 3, 4)];
    expect(waterfall(spans).breaks).toEqual([]);
    expect(place(spans, "webhook")).toEqual({ left: 0, width: 25, marks: [] });
    expect(place(spans, "work")).toEqual({ left: 25, width: 50, marks: [] });
    expect(place(spans, "post")).toEqual({ left: 75, width: 25, marks: [] });
  });

  it("keeps a silence that does not outweigh the rest", () => {
    expect(waterfall([span("a", 0, 3), span("b", 9, 12)]).breaks).toEqual([]);
  });

  it("cuts a long silence short, so that seconds of work can be seen", () => {
    const spans = [span("ask", 0, 1), span("answer", 7200, 7201)];
    const { breaks } = waterfall(spans);
    expect(breaks).toHaveLength(1);
    expect(breaks[0]).toMatchObject({ ms: 7199 * SECOND, left: 46, width: 8 });
    expect(place(spans, "ask")).toMatchObject({ left: 0, width: 46 });
    expect(place(spans, "answer")).toMatchObject({ left: 54, width: 46 });
  });

  it("cuts several silences of about the same length, though none outweighs the others", () => {
    const spans = [span("a", 0, 1), span("b", 60, 61), span("c", 110, 111), span("d", 155, 156)];
    expect(waterfall(spans).breaks).toHaveLength(3);
    expect(place(spans, "d").left + place(spans, "d").width).toBeCloseTo(100);
  });

  it("leaves most of the width to what happened, however many silences there are", () => {
    const spans = Array.from({ length: 40 }, (_, at) => span(`${at}`, at * 600, at * 600 + 1));
    const { breaks } = waterfall(spans);
    expect(breaks).toHaveLength(39);
    expect(breaks.reduce((sum, { width }) => sum + width, 0)).toBeCloseTo(40);
  });

  it("cuts a long hop as well, and draws its bar across the cut", () => {
    const spans = [span("card", 0, 350, [0, 1, 349]), span("work", 1, 3)];
    const { breaks } = waterfall(spans);
    expect(breaks).toHaveLength(1);
    const card = place(spans, "card");
    expect(card).toMatchObject({ left: 0, width: 100 });
    expect(card.marks).toHaveLength(3);
    expect(card.marks[2]).toBeGreaterThan((breaks[0]?.left ?? 0) + (breaks[0]?.width ?? 0) - 0.001);
  });

  it("keeps the order of moments, whatever is cut", () => {
    const spans = [
      span("a", 0, 0),
      span("b", 0.2, 0.4),
      span("c", 0.4, 90),
      span("d", 7200, 7200),
      span("e", 7300, 9000),
    ];
    const { placed } = waterfall(spans);
    const edges = spans
      .map(({ id }) => placed.get(id))
      .flatMap((each) => (each ? [each.left, each.left + each.width] : []));
    expect([...edges].sort((a, b) => a - b)).toEqual(edges);
    expect(Math.max(...edges)).toBeCloseTo(100);
  });

  it("spreads moments that took no time", () => {
    const spans = [span("a", 0, 0), span("b", 1, 1), span("c", 4, 4)];
    expect(spans.map(({ id }) => place(spans, id).left)).toEqual([0, 25, 100]);
  });

  it("copes with nothing, and with one moment", () => {
    expect(waterfall([])).toMatchObject({ breaks: [], ticks: [] });
    expect(place([span("only", 5, 5)], "only")).toEqual({ left: 0, width: 0, marks: [] });
  });

  it("has round ticks before the first cut and one after each", () => {
    const { ticks } = waterfall([span("a", 0, 10), span("b", 2, 4), span("c", 2 * 3600, 2 * 3600 + 10)]);
    expect(ticks.map(({ ms }) => ms)).toEqual([0, 5 * SECOND, 2 * HOUR]);
    for (const [index, tick] of ticks.slice(1).entries()) {
      expect(tick.left - (ticks[index]?.left ?? 0)).toBeGreaterThanOrEqual(10);
    }
  });

  it("lays out a thousand hops at once", () => {
    const spans = Array.from({ length: 1000 }, (_, at) => span(`${at}`, at, at + 0.5));
    const begun = performance.now();
    expect(waterfall(spans).placed.size).toBe(1000);
    expect(performance.now() - begun).toBeLessThan(500);
  });
});

describe("silenceBefore", () => {
  it("is what was cut between two rows, all cuts together", () => {
    const spans = [span("a", 0, 1), span("b", 60, 61), span("c", 155, 156)];
    const { breaks } = waterfall(spans);
    const [a, b, c] = spans.map(({ start }) => start);
    expect(silenceBefore(breaks, a ?? 0, b ?? 0)).toBe(59 * SECOND);
    expect(silenceBefore(breaks, a ?? 0, c ?? 0)).toBe(153 * SECOND);
    expect(silenceBefore(breaks, b ?? 0, b ?? 0)).toBe(0);
    expect(silenceBefore(breaks, Number.POSITIVE_INFINITY, a ?? 0)).toBe(0);
  });
});
