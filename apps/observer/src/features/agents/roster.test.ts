import { describe, expect, it } from "vitest";
import { allSkills, counts, matching, skillsOf, totals, versionsOf, type Agent } from "./roster";

function agent(name: string, parts: Partial<Agent> = {}): Agent {
  return {
    id: name,
    name,
    client_id: `agt_${name}`,
    icon: null,
    skills: [],
    online: false,
    muted: false,
    muted_at: null,
    muted_reason: null,
    current_tasks: [],
    load: 0,
    capacity: 0,
    last_seen_at: null,
    sessions: [],
    aliases: [],
    created_at: "2026-03-01T10:00:00Z",
    revoked_at: null,
    ...parts,
  };
}

function session(version: string, skills: string[] = []): Agent["sessions"][number] {
  return {
    instance: version,
    online: true,
    connected_at: "2026-03-01T10:00:00Z",
    last_seen_at: "2026-03-01T10:00:00Z",
    gateway: "gw-1",
    skills,
    capacity: 2,
    version,
  };
}

const everything = { shown: "all", skill: null, text: "" } as const;

const AGENTS = [
  agent("writer-10", { skills: ["write"], aliases: ["@AI_Squad"] }),
  agent("Writer-2", { online: true, load: 1, capacity: 2 }),
  agent("mira", { online: true, muted: true, load: 2, capacity: 2, sessions: [session("1.0", ["fix_bug"])] }),
  agent("gone", { revoked_at: "2026-03-01T10:00:00Z", skills: ["paint"] }),
];

function names(agents: Agent[]): string[] {
  return agents.map(({ name }) => name);
}

describe("the roster", () => {
  it("is ordered as people count, whatever the case", () => {
    expect(names(matching(AGENTS, everything))).toEqual(["mira", "Writer-2", "writer-10"]);
  });

  it("keeps revoked agents in a place of their own", () => {
    expect(names(matching(AGENTS, { ...everything, shown: "revoked" }))).toEqual(["gone"]);
    expect(counts(AGENTS)).toEqual({ all: 3, online: 2, offline: 1, muted: 1, revoked: 1 });
  });

  it("shows a muted agent that is there both as muted and as online", () => {
    expect(names(matching(AGENTS, { ...everything, shown: "muted" }))).toEqual(["mira"]);
    expect(names(matching(AGENTS, { ...everything, shown: "online" }))).toEqual(["mira", "Writer-2"]);
  });

  it("finds by skill also what only a running process says that it can do", () => {
    expect(names(matching(AGENTS, { ...everything, skill: "fix_bug" }))).toEqual(["mira"]);
    expect(allSkills(AGENTS)).toEqual(["fix_bug", "write"]);
  });

  it("finds text in names and aliases, whatever the case", () => {
    expect(names(matching(AGENTS, { ...everything, text: " WRITER " }))).toEqual(["Writer-2", "writer-10"]);
    expect(names(matching(AGENTS, { ...everything, text: "ai_sq" }))).toEqual(["writer-10"]);
  });

  it("adds up the slots of those who are there", () => {
    expect(totals(AGENTS)).toEqual({ load: 3, capacity: 4 });
  });

  it("says each skill and each version once, the newest process first", () => {
    const rolling = agent("rolling", {
      skills: ["a"],
      sessions: [session("1.0", ["a", "b"]), session("1.1", ["b"]), session("1.0")],
    });
    expect(skillsOf(rolling)).toEqual(["a", "b"]);
    expect(versionsOf({ ...rolling, sessions: [session("1.0"), session("1.1")] })).toEqual(["1.1", "1.0"]);
  });
});
