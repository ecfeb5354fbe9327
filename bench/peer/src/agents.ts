import { Inject, Injectable, type OnApplicationShutdown } from "@nestjs/common";
import { JwtService } from "@nestjs/jwt";
import {
  ConnectedSocket,
  MessageBody,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  type OnGatewayInit,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from "@nestjs/websockets";
import { Redis } from "ioredis";
import type { DefaultEventsMap, Namespace, Socket } from "socket.io";

export interface Identity {
  /** The agent. */
  sub: string;
}

type AgentSocket = Socket<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, Identity>;

/** Which socket an agent has, for all processes. */
@Injectable()
export class Presence implements OnApplicationShutdown {
  constructor(@Inject(Redis) private readonly redis: Redis) {}

  async show(agent: string, socketId: string): Promise<void> {
    await this.redis.set(`agent:${agent}`, socketId);
  }

  async hide(agent: string): Promise<void> {
    await this.redis.del(`agent:${agent}`);
  }

  onApplicationShutdown(): void {
    this.redis.disconnect();
  }
}

@WebSocketGateway({ namespace: "/agents" })
export class AgentsGateway implements OnGatewayInit, OnGatewayConnection, OnGatewayDisconnect {
  @WebSocketServer()
  readonly agents!: Namespace;

  constructor(
    private readonly jwt: JwtService,
    private readonly presence: Presence,
  ) {}

  afterInit(agents: Namespace): void {
    agents.use((socket: AgentSocket, next) => {
      const { token } = socket.handshake.auth as { token?: string };
      this.jwt.verifyAsync<Identity>(token ?? "").then(
        (identity) => {
          socket.data.sub = identity.sub;
          next();
        },
        () => {
          next(new Error("unauthorized"));
        },
      );
    });
  }

  async handleConnection(socket: AgentSocket): Promise<void> {
    await socket.join(roomOf(socket.data.sub));
    await this.presence.show(socket.data.sub, socket.id);
  }

  async handleDisconnect(socket: AgentSocket): Promise<void> {
    await this.presence.hide(socket.data.sub);
  }

  /** The agent has read its events up to `seq`. */
  @SubscribeMessage("ack")
  acknowledge(@ConnectedSocket() _socket: AgentSocket, @MessageBody() data: unknown) {
    const seq = typeof data === "object" && data !== null && "seq" in data ? data.seq : undefined;
    if (typeof seq !== "number" || !Number.isInteger(seq) || seq < 0) {
      return { ok: false, code: "invalid", detail: "seq: Input should be greater than or equal to 0" };
    }
    return { ok: true };
  }
}

export function roomOf(agent: string): string {
  return `agent:${agent}`;
}
