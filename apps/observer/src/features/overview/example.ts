import type { Overview } from "./verdict";

/** An overview of a system that is well, for tests; `more` is what is different. */
export function overviewOf(more: Partial<Overview> = {}): Overview {
  return {
    generated_at: "2026-03-12T14:00:00Z",
    unanswered: { count: 0, oldest_seconds: null, items: [] },
    waiting: { tasks: 0, events: 0, deliveries: 0, oldest_seconds: null },
    dead: { count: 0 },
    agents: { online: 2, total: 3, muted: 0, busy: 1, capacity: 4 },
    error_rate: 0,
    throughput: { received: 12, delivered: 30, failed: 0 },
    series: [],
    p95_ms: 640,
    vendors: [],
    postgres: { state: "ok", detail: "Answers in 2 ms." },
    redis: { state: "ok", detail: "Answers in 1 ms." },
    first_run: {
      clickup: true,
      slack: true,
      mapping: true,
      agent: true,
      agent_online: true,
      mirrored: true,
      mirrored_task_id: "t1",
    },
    ...more,
  };
}
