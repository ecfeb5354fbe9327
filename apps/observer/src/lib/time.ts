const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "just now", "4 s ago", "3 min ago", "in 2 h", "12 Mar": short, for a column. Times in milliseconds. */
export function relative(at: number, now: number): string {
  const away = Math.abs(now - at);
  if (away < 2 * SECOND) return "just now";
  if (away >= 30 * DAY) return dayOf(at, now);
  const amount = shortAmount(away);
  return at <= now ? `${amount} ago` : `in ${amount}`;
}

/** How long until the words of `relative` may change, in milliseconds. */
export function nextChange(at: number, now: number): number {
  const away = Math.abs(now - at);
  if (away < MINUTE) return SECOND;
  if (away < HOUR) return 15 * SECOND;
  return MINUTE;
}

/** "812 ms", "1.4 s", "3 min 20 s", "2 h 5 min", "3 d 4 h". Takes milliseconds. */
export function duration(ms: number): string {
  if (ms < 0) return duration(0);
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return pair(ms, MINUTE, "min", SECOND, "s");
  if (ms < DAY) return pair(ms, HOUR, "h", MINUTE, "min");
  return pair(ms, DAY, "d", HOUR, "h");
}

// Made once, as that takes longer than all its uses; and late, as a server has another time zone.
let hereAndNow: Intl.DateTimeFormat | undefined;

/** The exact moment, here and in UTC: "12 Mar 2026, 14:03:22 (13:03:22 UTC)". */
export function exact(at: number): string {
  const date = new Date(at);
  hereAndNow ??= new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  return `${hereAndNow.format(date)} (${date.toISOString().slice(0, 19).replace("T", " ")} UTC)`;
}

function shortAmount(ms: number): string {
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h`;
  return `${Math.floor(ms / DAY)} d`;
}

function pair(ms: number, big: number, bigName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % big) / small);
  const whole = `${Math.floor(ms / big)} ${bigName}`;
  return rest === 0 ? whole : `${whole} ${rest} ${smallName}`;
}

function dayOf(at: number, now: number): string {
  const sameYear = new Date(at).getUTCFullYear() === new Date(now).getUTCFullYear();
  return new Intl.DateTimeFormat("en-GB", {
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" }),
  }).format(new Date(at));
}
