import type { Agent } from "./roster";

/** An agent for tests: offline and idle, but for what is given. */
export function agentOf(name: string, parts: Partial<Agent> = {}): Agent {
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
    aliases: [],
    created_at: "2026-03-01T10:00:00Z",
    revoked_at: null,
    ...parts,
  };
}

/** One running process of an agent, for tests. */
export function sessionOf(version: string, skills: string[] = []): Agent["sessions"][number] {
  return {
    instance: `process-${version}`,
    online: true,
    connected_at: "2026-03-01T10:00:00Z",
    last_seen_at: "2026-03-01T10:00:00Z",
    gateway: "gw-1",
    skills,
    capacity: 2,
    version,
  };
}
