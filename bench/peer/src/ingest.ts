import { createHmac, timingSafeEqual } from "node:crypto";
import { InjectQueue } from "@nestjs/bullmq";
import {
  BadRequestException,
  Body,
  Controller,
  type DynamicModule,
  ForbiddenException,
  Headers,
  HttpCode,
  Inject,
  Module,
  Post,
} from "@nestjs/common";
import { Queue } from "bullmq";
import { CONFIG, type Config } from "./config.js";
import { QUEUE, queueModules, type WebhookJob } from "./queue.js";

interface ClickUpWebhook {
  webhook_id: string;
  history_items: { id: string }[];
}

@Controller("webhooks")
export class WebhooksController {
  constructor(
    @InjectQueue(QUEUE) private readonly queue: Queue<WebhookJob>,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** 200 says that the job is in Redis. */
  @Post("clickup")
  @HttpCode(200)
  async clickup(@Body() body: Buffer, @Headers("x-signature") signature: string | undefined) {
    const expected = createHmac("sha256", this.config.webhookSecret).update(body).digest();
    const given = Buffer.from(signature ?? "", "hex");
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new ForbiddenException();
    const text = body.toString();
    await this.queue.add(
      QUEUE,
      { body: text },
      { jobId: jobId(text), removeOnComplete: true, removeOnFail: { count: 1000 }, attempts: 5 },
    );
    return { ok: true };
  }
}

/** One job for each change, however often ClickUp tells of it. */
function jobId(text: string): string {
  try {
    const webhook = JSON.parse(text) as ClickUpWebhook;
    const item = webhook.history_items[0];
    if (item) return `${webhook.webhook_id}_${item.id}`;
  } catch {
    // not JSON, or not what ClickUp sends
  }
  throw new BadRequestException();
}

@Module({})
export class IngestModule {
  static with(config: Config): DynamicModule {
    return {
      module: IngestModule,
      imports: queueModules(config),
      controllers: [WebhooksController],
      providers: [{ provide: CONFIG, useValue: config }],
    };
  }
}
