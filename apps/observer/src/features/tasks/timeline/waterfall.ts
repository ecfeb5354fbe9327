/** Something that took time, or happened at one moment. Times in milliseconds since 1970. */
export interface Span {
  id: string;
  start: number;
  /** Equal to `start` for a moment. */
  end: number;
  /** Moments within: each try. */
  marks: readonly number[];
}

/** Where a span stands, in percent of the width. */
export interface Placed {
  left: number;
  width: number;
  marks: number[];
}

/** A stretch in which nothing began or ended, drawn much shorter than it was. */
export interface Break {
  left: number;
  width: number;
  /** How long it was, in milliseconds. */
  ms: number;
  /** When it ended. */
  end: number;
}

/** A moment on the scale, by the milliseconds since the beginning. */
export interface Tick {
  left: number;
  ms: number;
}

export interface Waterfall {
  placed: ReadonlyMap<string, Placed>;
  breaks: readonly Break[];
  ticks: readonly Tick[];
}

/** A stretch is only cut short beyond this. */
const LONG_MS = 5000;
/** And when it is longer than so many times all shorter stretches together. */
const OUTWEIGHS = 2;
const BREAK_PERCENT = 8;
const ALL_BREAKS_PERCENT = 40;
const TICK_PERCENT = 20;
/** Ticks nearer than this would be written over one another. */
const NEAR_PERCENT = 19;

interface Stretch {
  start: number;
  end: number;
  isBreak: boolean;
  left: number;
  width: number;
}

/**
 * Lays spans out on a scale of time that is linear where something happens. A task has seconds of work between hours of
 * waiting: without cutting the hours short, nobody would see the seconds.
 */
export function waterfall(spans: readonly Span[]): Waterfall {
  const stretches = placedStretches(spans);
  const at = positionOn(stretches);
  const placed = new Map<string, Placed>();
  for (const { id, start, end, marks } of spans) {
    const left = at(start);
    placed.set(id, { left, width: Math.max(at(end) - left, 0), marks: marks.map(at) });
  }
  const breaks = stretches
    .filter(({ isBreak }) => isBreak)
    .map(({ start, end, left, width }) => ({ left, width, ms: end - start, end }));
  return { placed, breaks, ticks: ticksOf(stretches) };
}

/** How long nothing began or ended before a moment, since another one: what was cut short between two rows. */
export function silenceBefore(breaks: readonly Break[], after: number, until: number): number {
  return breaks.reduce((sum, { end, ms }) => (end > after && end <= until ? sum + ms : sum), 0);
}

function placedStretches(spans: readonly Span[]): Stretch[] {
  const moments = [...new Set(spans.flatMap(({ start, end, marks }) => [start, end, ...marks]))].sort(
    (a, b) => a - b,
  );
  const lengths = moments.slice(1).map((end, index) => end - (moments[index] ?? end));
  const shortestCut = cutFrom(lengths);
  const linear = lengths.reduce((sum, ms) => (ms < shortestCut ? sum + ms : sum), 0);
  const broken = lengths.filter((ms) => ms >= shortestCut).length;
  const breakWidth = Math.min(BREAK_PERCENT, ALL_BREAKS_PERCENT / broken);
  const linearWidth = broken === 0 ? 100 : 100 - breakWidth * broken;

  let left = 0;
  return lengths.map((ms, index) => {
    const start = moments[index] ?? 0;
    const isBreak = ms >= shortestCut;
    const stretch = {
      start,
      end: start + ms,
      isBreak,
      left,
      width: isBreak ? breakWidth : (ms / linear) * linearWidth,
    };
    left += stretch.width;
    return stretch;
  });
}

/** The length from which on stretches are cut short: that of the first that outweighs all shorter ones together. */
function cutFrom(lengths: readonly number[]): number {
  let shorter = 0;
  for (const ms of [...lengths].sort((a, b) => a - b)) {
    if (shorter > 0 && ms > LONG_MS && ms > OUTWEIGHS * shorter) return ms;
    shorter += ms;
  }
  return Infinity;
}

/** Where a moment stands on the stretches, in percent. */
function positionOn(stretches: readonly Stretch[]): (moment: number) => number {
  return (moment) => {
    let low = 0;
    let high = stretches.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((stretches[middle]?.end ?? 0) < moment) low = middle + 1;
      else high = middle;
    }
    const stretch = stretches[low];
    if (stretch === undefined) return 0;
    const share = (moment - stretch.start) / (stretch.end - stretch.start);
    return stretch.left + Math.min(Math.max(share, 0), 1) * stretch.width;
  };
}

/** Round times in the first linear part, and the beginning of each part after a break. */
function ticksOf(stretches: readonly Stretch[]): Tick[] {
  const first = stretches[0];
  if (first === undefined) return [];
  const at = positionOn(stretches);
  const begin = first.start;
  const firstBreak = stretches.find(({ isBreak }) => isBreak);
  const ticks: Tick[] = [{ left: 0, ms: 0 }];
  const add = (moment: number) => {
    const left = at(moment);
    const last = ticks.at(-1);
    if (last !== undefined && left - last.left >= NEAR_PERCENT && left <= 100 - NEAR_PERCENT / 4) {
      ticks.push({ left, ms: moment - begin });
    }
  };
  const end = firstBreak?.start ?? stretches.at(-1)?.end ?? begin;
  const step = roundStep(((end - begin) * TICK_PERCENT) / Math.max(at(end), 1));
  for (let moment = begin + step; moment < end; moment += step) add(moment);
  for (const { isBreak, end: resumed } of stretches) if (isBreak) add(resumed);
  return ticks;
}

/** 1, 2 or 5 times a power of ten; from a minute on, whole minutes of such a kind. */
function roundStep(ms: number): number {
  const unit = ms >= 60_000 ? 60_000 : 1;
  const amount = ms / unit;
  const power = 10 ** Math.floor(Math.log10(Math.max(amount, 1e-3)));
  const factor = [1, 2, 5, 10].find((each) => each * power >= amount) ?? 10;
  return factor * power * unit;
}
