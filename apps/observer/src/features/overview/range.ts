import type { Model } from "@/lib/api/client";

/** The stretches of time that can be looked at, in the order of the control. */
export const RANGES = ["15m", "1h", "6h", "24h", "7d"] as const;
export type Range = (typeof RANGES)[number];

export const DEFAULT_RANGE: Range = "1h";

const MINUTES: Record<Range, number> = { "15m": 15, "1h": 60, "6h": 360, "24h": 1440, "7d": 10_080 };
const WORDS: Record<Range, string> = {
  "15m": "last 15 minutes",
  "1h": "last hour",
  "6h": "last 6 hours",
  "24h": "last 24 hours",
  "7d": "last 7 days",
};
const LABELS: Record<Range, string> = { "15m": "15 m", "1h": "1 h", "6h": "6 h", "24h": "24 h", "7d": "7 d" };

export type Bucket = Model<"Bucket">;

/** A part of the range, picked by dragging over a chart. In seconds since 1970; `to` is not in it. */
export interface Zoom {
  from: number;
  to: number;
}

export function rangeMinutes(range: Range): number {
  return MINUTES[range];
}

/** "last hour": to stand after "in the". */
export function rangeWords(range: Range): string {
  return WORDS[range];
}

/** "1 h". */
export function rangeLabel(range: Range): string {
  return LABELS[range];
}

/** Minutes to ask Nexus for: the shortest range that still holds the part that is looked at, so that it is fine-grained. */
export function minutesToRead(range: Range, zoom: Zoom | null, nowSeconds: number): number {
  if (zoom === null || nowSeconds === 0) return MINUTES[range];
  const needed = (nowSeconds - zoom.from) / 60;
  const fitting = RANGES.find((each) => MINUTES[each] >= needed);
  return Math.min(MINUTES[range], fitting === undefined ? MINUTES[range] : MINUTES[fitting]);
}

/** `1764230400-1764234000`, as in the URL; null for anything else. */
export function parseZoom(text: string): Zoom | null {
  const found = /^(\d{9,11})-(\d{9,11})$/.exec(text);
  if (found === null) return null;
  const zoom = { from: Number(found[1]), to: Number(found[2]) };
  return zoom.from < zoom.to ? zoom : null;
}

export function serializeZoom(zoom: Zoom): string {
  return `${zoom.from}-${zoom.to}`;
}

/** Length of a bucket in seconds; 60 while there are too few to tell. */
export function stepSeconds(series: Bucket[]): number {
  const [first, second] = series;
  return first === undefined || second === undefined ? 60 : seconds(second.at) - seconds(first.at);
}

/** What is between two buckets, whichever was first, both included; null for a click without a drag. */
export function zoomBetween(series: Bucket[], one: string, other: string): Zoom | null {
  if (one === other) return null;
  const [from, to] = [seconds(one), seconds(other)].sort((a, b) => a - b);
  return from === undefined || to === undefined ? null : { from, to: to + stepSeconds(series) };
}

/** The buckets that are looked at. All of them when none is in the zoom any more, as time went on. */
export function inView(series: Bucket[], zoom: Zoom | null): Bucket[] {
  if (zoom === null) return series;
  const step = stepSeconds(series);
  const inside = series.filter(({ at }) => seconds(at) + step > zoom.from && seconds(at) < zoom.to);
  return inside.length === 0 ? series : inside;
}

/** Sums over buckets; `slowest_ms` is the highest p95 among them. */
export function totals(series: Bucket[]) {
  const p95s = series.flatMap(({ p95_ms }) => (p95_ms === null ? [] : [p95_ms]));
  return {
    received: sum(series, "received"),
    delivered: sum(series, "delivered"),
    failed: sum(series, "failed"),
    slowest_ms: p95s.length === 0 ? null : Math.max(...p95s),
  };
}

/** "14:05" within a day, "Thu 14:00" beyond it; here, as people say it. */
export function bucketLabel(at: string, step: number): string {
  const date = new Date(at);
  const time = date.toLocaleTimeString("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    ...(step < 60 ? { second: "2-digit" } : {}),
  });
  if (step < 3600) return time;
  return `${date.toLocaleDateString("en-GB", { weekday: "short" })} ${time}`;
}

/** A length of time in one short word, for an axis: "0", "250 ms", "2.5 s", "7.5 min", "3 h". */
export function axisDuration(ms: number): string {
  const [length, unit] =
    ms < 1000
      ? [ms, "ms"]
      : ms < 60_000
        ? [ms / 1000, "s"]
        : ms < 3_600_000
          ? [ms / 60_000, "min"]
          : [ms / 3_600_000, "h"];
  return ms === 0 ? "0" : `${Math.round(length * 10) / 10} ${unit}`;
}

function sum(series: Bucket[], key: "received" | "delivered" | "failed"): number {
  return series.reduce((total, bucket) => total + bucket[key], 0);
}

function seconds(at: string): number {
  return Math.floor(Date.parse(at) / 1000);
}
