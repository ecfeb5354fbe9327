import type { Stats } from "@oblivion/protocol";
import { isUntouched } from "@/features/firstrun/steps";
import type { Model } from "@/lib/api/client";
import type { Tone } from "@/ui/states";
import { counted, toolName } from "@/ui/words";

export type Overview = Model<"Overview">;

/** Something that is not as it should be, though nobody waits for an answer because of it yet. */
export interface Concern {
  tone: Tone;
  /** To stand after "but": "ClickUp is down". */
  short: string;
  /** What it is and what it means. */
  detail: string;
  href: "/agents" | "/settings/connections" | null;
}

/** Is everything all right? In one sentence. */
export interface Verdict {
  tone: Tone;
  /** Without the time, so that it changes only when the facts do. */
  title: string;
  /** Since when the oldest has waited, ISO 8601. */
  since: string | null;
  concerns: Concern[];
}

export function verdictOf(overview: Overview): Verdict {
  const { unanswered, dead } = overview;
  const concerns = concernsOf(overview);
  if (unanswered.count > 0) {
    const title =
      unanswered.count === 1
        ? "1 message has no answer"
        : `${counted(unanswered.count, "message")} have no answer`;
    return { tone: dead.count > 0 ? "failed" : "waiting", title, since: oldestSince(overview), concerns };
  }
  const [worst] = concerns;
  if (worst !== undefined) {
    return { tone: worst.tone, title: `Everything is answered, but ${worst.short}`, since: null, concerns };
  }
  const title = isUntouched(overview.first_run) ? "Nothing to answer yet" : "Everything is answered";
  return { tone: isUntouched(overview.first_run) ? "offline" : "ok", title, since: null, concerns };
}

/** The overview with the figures that came over the socket since it was read. */
export function withStats(overview: Overview, stats: Stats | undefined): Overview {
  if (stats === undefined || Date.parse(stats.at) <= Date.parse(overview.generated_at)) return overview;
  const { unanswered, waiting, dead, agents } = overview;
  const isSame =
    stats.unanswered === unanswered.count &&
    stats.dead === dead.count &&
    stats.waiting_tasks === waiting.tasks &&
    stats.agents_online === agents.online;
  if (isSame) return overview;
  const isAnswered = stats.unanswered === 0;
  return {
    ...overview,
    unanswered: {
      count: stats.unanswered,
      oldest_seconds: isAnswered ? null : unanswered.oldest_seconds,
      items: isAnswered ? [] : unanswered.items,
    },
    waiting: { ...waiting, tasks: stats.waiting_tasks },
    dead: { count: stats.dead },
    agents: { ...agents, online: stats.agents_online },
  };
}

/** A moment so many seconds before the overview was made, ISO 8601. */
export function secondsBefore(overview: Overview, seconds: number | null): string | null {
  return seconds === null ? null : new Date(Date.parse(overview.generated_at) - seconds * 1000).toISOString();
}

/** "42 s", "4 min", "2 h": how long, roughly, so that a sentence does not tick. Milliseconds. */
export function roughly(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}

/** The worst first. */
function concernsOf(overview: Overview): Concern[] {
  const { agents, first_run, postgres, redis, vendors } = overview;
  const found: Concern[] = [];
  for (const [name, { state, detail }] of Object.entries({ PostgreSQL: postgres, Redis: redis })) {
    if (state !== "ok") found.push({ ...lookOf(name, state), detail, href: null });
  }
  for (const { vendor, name, state, checks } of vendors) {
    if (state === "ok") continue;
    const detail = checks.find((check) => check.state !== "ok")?.detail ?? name;
    found.push({ ...lookOf(toolName(vendor), state), detail, href: "/settings/connections" });
  }
  if (agents.total > 0 && agents.online === 0) {
    const detail = "Tasks wait until one of your agents is started.";
    found.push({ tone: "waiting", short: "no agent is online", detail, href: "/agents" });
  } else if (agents.total === 0 && first_run.mirrored) {
    const detail = "Tasks wait until you create an agent and start it.";
    found.push({ tone: "waiting", short: "there is no agent", detail, href: "/agents" });
  }
  if (agents.muted > 0) {
    const is = agents.muted === 1 ? "is" : "are";
    const detail = "What a muted agent says is held until somebody unmutes it.";
    found.push({
      tone: "waiting",
      short: `${counted(agents.muted, "agent")} ${is} muted`,
      detail,
      href: "/agents",
    });
  }
  return found.sort((one, other) => Number(other.tone === "failed") - Number(one.tone === "failed"));
}

function lookOf(name: string, state: "degraded" | "down"): Pick<Concern, "tone" | "short"> {
  return state === "down"
    ? { tone: "failed", short: `${name} is down` }
    : { tone: "waiting", short: `${name} needs a look` };
}

function oldestSince(overview: Overview): string | null {
  return secondsBefore(overview, overview.unanswered.oldest_seconds);
}
