import { describe, expect, it } from "vitest";
import type { Agent } from "@/features/agents/roster";
import { agentToStart, firstTask } from "./firstTask";

function agent(name: string, more: Partial<Agent> = {}): Agent {
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
    messages_per_minute: 10,
    held: 0,
    current_tasks: [],
    load: 0,
    capacity: 0,
    last_seen_at: null,
    sessions: [],
    aliases: ["AI_Squad"],
    created_at: "2026-03-12T14:00:00Z",
    revoked_at: null,
    ...more,
  };
}

describe("the first task", () => {
  it("is one that an agent which is there can do", () => {
    const agents = [
      agent("away", { aliases: ["fixer"] }),
      agent("here", { online: true, skills: ["fix_bug"] }),
    ];
    expect(firstTask(agents)).toEqual({
      alias: "@AI_Squad",
      description: "@AI_Squad fix_bug The export loses a row",
    });
  });

  it("names no type of work for an agent that takes any", () => {
    expect(firstTask([agent("a", { skills: ["default", "fix_bug"] })])?.description).toBe(
      "@AI_Squad The export loses a row",
    );
    expect(firstTask([agent("a")])?.description).toBe("@AI_Squad The export loses a row");
  });

  it("waits until somebody can be addressed", () => {
    expect(firstTask([])).toBeNull();
    expect(
      firstTask([agent("a", { aliases: [] }), agent("b", { revoked_at: "2026-03-12T14:00:00Z" })]),
    ).toBeNull();
  });
});

describe("the agent to start", () => {
  it("is the newest one that is not there", () => {
    const agents = [
      agent("old"),
      agent("new", { created_at: "2026-03-13T14:00:00Z" }),
      agent("here", { online: true, created_at: "2026-03-14T14:00:00Z" }),
    ];
    expect(agentToStart(agents)?.name).toBe("new");
    expect(agentToStart([])).toBeNull();
  });
});
