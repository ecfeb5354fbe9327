import { describe, expect, it } from "vitest";
import { agentOf, sessionOf } from "./example";
import { allSkills, counts, matching, skillsOf, totals, versionsOf, type Agent } from "./roster";

const everything = { shown: "all", skill: null, text: "" } as const;

const AGENTS = [
  agentOf("writer-10", { skills: ["write"], aliases: ["@AI_Squad"] }),
  agentOf("Writer-2", { online: true, load: 1, capacity: 2 }),
  agentOf("mira", {
    online: true,
    muted: true,
    load: 2,
    capacity: 2,
    sessions: [sessionOf("1.0", ["fix_bug"])],
  }),
  agentOf("gone", { revoked_at: "2026-03-01T10:00:00Z", skills: ["paint"] }),
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
    const rolling = agentOf("rolling", {
      skills: ["a"],
      sessions: [sessionOf("1.0", ["a", "b"]), sessionOf("1.1", ["b"]), sessionOf("1.0")],
    });
    expect(skillsOf(rolling)).toEqual(["a", "b"]);
    expect(versionsOf({ ...rolling, sessions: [sessionOf("1.0"), sessionOf("1.1")] })).toEqual([
      "1.1",
      "1.0",
    ]);
  });
});
