import { Body, Controller, Get, HttpCode, Post } from "@nestjs/common";
import type { Socket } from "socket.io";
import { AgentsGateway, roomOf } from "./agents.js";

const ACK_TIMEOUT_MS = 30_000;

interface Acked {
  acks: number;
  seconds: number;
  latencies: number[];
}

/** What a benchmark has this process do; loopback only, as is all of it. */
@Controller("control")
export class ControlController {
  constructor(private readonly gateway: AgentsGateway) {}

  @Get("agents")
  agents() {
    return { agents: this.gateway.agents.sockets.size };
  }

  /** Hands one event after the other to all agents in turn, with so many acknowledgements awaited at a time. */
  @Post("acks")
  @HttpCode(200)
  async acks(@Body() asked: { seconds: number; in_flight: number }): Promise<Acked> {
    const sockets = [...this.gateway.agents.sockets.values()];
    const latencies: number[] = [];
    const began = process.hrtime.bigint();
    const until = began + BigInt(Math.round(asked.seconds * 1e9));
    let number = 0;
    const handOut = async () => {
      for (let now = process.hrtime.bigint(); now < until; now = process.hrtime.bigint()) {
        const seq = ++number;
        const socket = sockets[seq % sockets.length] as Socket;
        await socket.timeout(ACK_TIMEOUT_MS).emitWithAck("task.assigned", assignment(seq));
        latencies.push(secondsSince(now));
      }
    };
    await Promise.all(Array.from({ length: asked.in_flight }, handOut));
    return { acks: latencies.length, seconds: secondsSince(began), latencies };
  }

  /** Emits to one agent, wherever it is connected, at a fixed rate; each event says when, by the monotonic clock. */
  @Post("emits")
  @HttpCode(200)
  async emits(@Body() asked: { agent: string; count: number; per_second: number }) {
    const began = performance.now();
    for (let seq = 1; seq <= asked.count; seq++) {
      const wait = began + ((seq - 1) * 1000) / asked.per_second - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      const sent = Number(process.hrtime.bigint()) / 1e9;
      this.gateway.agents
        .to(roomOf(asked.agent))
        .emit("task.assigned", { ...assignment(seq), sent_at: sent });
    }
    return { emitted: asked.count };
  }
}

function secondsSince(began: bigint): number {
  return Number(process.hrtime.bigint() - began) / 1e9;
}

function assignment(seq: number) {
  return {
    schema_version: 1,
    event_id: `0197a1f0-7c1e-7d3a-9b1e-${String(seq).padStart(12, "0")}`,
    seq,
    task_id: "0197a1f0-7c1e-7d3a-9b1e-5f2f6c1d0a11",
    epoch: 1,
    skill: "fix_bug",
    title: "Login page answers 500 after the last release",
    text: "@AI_Squad fix_bug: the login page answers 500.",
    url: "https://app.clickup.com/t/86b1x2c3d",
  };
}
