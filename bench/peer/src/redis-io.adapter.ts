import type { INestApplication } from "@nestjs/common";
import { IoAdapter } from "@nestjs/platform-socket.io";
import { createAdapter } from "@socket.io/redis-adapter";
import { Redis } from "ioredis";
import type { Server, ServerOptions } from "socket.io";

/** WebSocket only; what one process emits reaches the sockets of all. */
export class RedisIoAdapter extends IoAdapter {
  private readonly publisher: Redis;
  private readonly subscriber: Redis;

  constructor(app: INestApplication, redisUrl: string) {
    super(app);
    this.publisher = new Redis(redisUrl);
    this.subscriber = this.publisher.duplicate();
  }

  override createIOServer(port: number, options?: ServerOptions): Server {
    return super.createIOServer(port, {
      ...options,
      transports: ["websocket"],
      serveClient: false,
      pingInterval: 10_000,
      pingTimeout: 20_000,
      adapter: createAdapter(this.publisher, this.subscriber),
    } as ServerOptions) as Server;
  }

  override async dispose(): Promise<void> {
    await super.dispose();
    this.publisher.disconnect();
    this.subscriber.disconnect();
  }
}
