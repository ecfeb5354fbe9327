import type { FeedLine } from "@oblivion/protocol";
import { compare, entryOf, type Entry } from "./entry";

const CAPACITY = 5000;
const FLUSH_MS = 200;

/** Where lines are missing: after everything up to `after`. */
export interface Gap {
  id: string;
  /** In microseconds since 1970. */
  after: number;
}

/** What is seen of the feed; a new object whenever it changes. */
export interface FeedSnapshot {
  /** In order. While paused, those of the moment of the pause. */
  entries: readonly Entry[];
  /** Those that came since the pause. */
  unseen: readonly Entry[];
  gaps: readonly Gap[];
  pause: Pause | null;
  /** When the newest line happened, in microseconds; null while there is none. */
  newestAt: number | null;
  /** Whether Nexus has answered: what is not here by then does not exist. */
  hasBegun: boolean;
}

/** Why it does not follow: somebody scrolled up, and scrolling down ends it; or somebody wants it held. */
export type Pause = "scroll" | "hold";

/**
 * The lines of the feed, outside of React: however many come, readers hear of it once in `flushMs`, and of nothing
 * while there is nothing new. Holds the newest `capacity` lines, each once, in the order in which they happened.
 */
export class FeedStore {
  readonly #capacity: number;
  readonly #flushMs: number;
  readonly #listeners = new Set<() => void>();
  /** Ids of all lines that are held or about to be. */
  #known = new Set<string>();
  #arrived: Entry[] = [];
  #held: readonly Entry[] = [];
  #frozen: readonly Entry[] | null = null;
  #gaps: readonly Gap[] = [];
  #lastBefore: number | null = null;
  #replaces = false;
  #hasBegun = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #snapshot: FeedSnapshot = {
    entries: [],
    unseen: [],
    gaps: [],
    pause: null,
    newestAt: null,
    hasBegun: false,
  };

  constructor({ capacity = CAPACITY, flushMs = FLUSH_MS } = {}) {
    this.#capacity = capacity;
    this.#flushMs = flushMs;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly getSnapshot = (): FeedSnapshot => this.#snapshot;

  /** Takes lines in any order; known ones are dropped. */
  receive(lines: readonly FeedLine[]): void {
    if (this.#replaces && lines.length > 0) {
      this.#replaces = false;
      this.#known.clear();
      this.#arrived = [];
      this.#held = [];
      this.#gaps = [];
      this.#lastBefore = null;
    }
    for (const line of lines) {
      if (this.#known.has(line.id)) continue;
      this.#known.add(line.id);
      this.#arrived.push(entryOf(line));
    }
    // A page in the background is woken up rarely: what would be dropped then is dropped now.
    if (this.#arrived.length > 2 * this.#capacity) this.#merge();
    if (this.#arrived.length > 0) this.#timer ??= setTimeout(this.#flush, this.#flushMs);
  }

  /**
   * Other lines are wanted from now on. Unless what is held is all of those that it could hold (`keeps`), the first
   * of them take its place.
   */
  expect(keeps: boolean): void {
    this.#replaces ||= !keeps;
    this.#hasBegun = false;
    if (keeps) this.#publish();
    else this.#follow();
  }

  /** Nexus has answered. Lines may be on their way still, so that it counts a little later. */
  begun(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#hasBegun = true;
      this.#flush();
    }, 2 * this.#flushMs);
  }

  /** The connection is lost: remembers up to where nothing is missing. */
  interrupted(): void {
    this.#merge();
    this.#lastBefore = this.#held.at(-1)?.at ?? null;
    this.#publish();
  }

  /** Not everything that happened during the interruption will come. */
  truncated(): void {
    if (this.#lastBefore === null) return;
    const after = this.#lastBefore;
    if (this.#gaps.some((gap) => gap.after === after)) return;
    this.#gaps = [...this.#gaps, { id: `gap-${after}`, after }];
    this.#publish();
  }

  /** Shows no more until `resume`; lines are still taken. */
  pause(why: Pause): void {
    if (this.#snapshot.pause === why) return;
    // What is seen, not what is held: nothing may move under the pointer.
    this.#frozen ??= this.#snapshot.entries;
    this.#publish(why);
  }

  resume(): void {
    if (this.#frozen !== null) this.#follow();
  }

  #follow(): void {
    this.#frozen = null;
    this.#merge();
    this.#publish(null);
  }

  readonly #flush = (): void => {
    this.#timer = undefined;
    this.#merge();
    this.#publish();
  };

  #publish(pause: Pause | null = this.#snapshot.pause): void {
    const frozen = this.#frozen;
    this.#snapshot = {
      entries: frozen ?? this.#held,
      unseen: frozen === null ? [] : newerThan(frozen, this.#held),
      gaps: this.#gaps,
      pause,
      newestAt: this.#held.at(-1)?.at ?? null,
      hasBegun: this.#hasBegun,
    };
    for (const listener of this.#listeners) listener();
  }

  #merge(): void {
    if (this.#arrived.length === 0) return;
    const arrived = this.#arrived.sort(compare);
    this.#arrived = [];
    const last = this.#held.at(-1);
    const all = [...this.#held, ...arrived];
    if (last !== undefined && arrived[0] !== undefined && compare(arrived[0], last) < 0) all.sort(compare);
    const dropped = all.splice(0, Math.max(0, all.length - this.#capacity));
    for (const { id } of dropped) this.#known.delete(id);
    const droppedUpTo = dropped.at(-1)?.at;
    if (droppedUpTo !== undefined) this.#gaps = this.#gaps.filter(({ after }) => after >= droppedUpTo);
    this.#held = all;
  }
}

/** Those of `held` that are not in `frozen`. A late one, from before the newest of `frozen`, counts as well. */
function newerThan(frozen: readonly Entry[], held: readonly Entry[]): readonly Entry[] {
  if (frozen === held) return [];
  const seen = new Set(frozen);
  return held.filter((entry) => !seen.has(entry));
}
