import { BullModule } from "@nestjs/bullmq";
import type { DynamicModule } from "@nestjs/common";
import { Redis } from "ioredis";
import type { Config } from "./config.js";

export const QUEUE = "webhook";

/** A webhook as it waits: the body stays the text that was signed. */
export interface WebhookJob {
  body: string;
}

export function queueModules(config: Config): DynamicModule[] {
  const connection = new Redis(config.redisUrl, {
    maxRetriesPerRequest: null,
    enableAutoPipelining: config.autoPipelining,
  });
  return [BullModule.forRoot({ connection }), BullModule.registerQueue({ name: QUEUE })];
}
