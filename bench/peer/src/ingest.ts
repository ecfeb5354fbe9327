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
  type RawBodyRequest,
  Req,
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
    checkSigned(body, signature, this.config.webhookSecret);
    const text = body.toString();
    await this.queue.add(
      QUEUE,
      { body: text },
      { jobId: jobId(text), removeOnComplete: true, removeOnFail: { count: 1000 }, attempts: 5 },
    );
    return { ok: true };
  }
}

/** Hex HMAC-SHA256 of the bytes, as ClickUp signs. */
function checkSigned(body: Buffer, signature: string | undefined, secret: string): void {
  const expected = createHmac("sha256", secret).update(body).digest();
  const given = Buffer.from(signature ?? "", "hex");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new ForbiddenException();
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

/** The way the documentation shows: the body as a tree, which is what the job holds. */
@Controller("webhooks")
export class DocumentedWebhooksController {
  constructor(
    @InjectQueue(QUEUE) private readonly queue: Queue<ClickUpWebhook>,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Post("clickup")
  @HttpCode(200)
  async clickup(
    @Req() request: RawBodyRequest<object>,
    @Body() webhook: ClickUpWebhook,
    @Headers("x-signature") signature: string | undefined,
  ) {
    checkSigned(request.rawBody ?? Buffer.alloc(0), signature, this.config.webhookSecret);
    const item = webhook.history_items[0];
    if (!item) throw new BadRequestException();
    await this.queue.add(QUEUE, webhook, {
      jobId: `${webhook.webhook_id}_${item.id}`,
      removeOnComplete: true,
      removeOnFail: { count: 1000 },
      attempts: 5,
    });
    return { ok: true };
  }
}

@Module({})
export class IngestModule {
  static with(config: Config): DynamicModule {
    return {
      module: IngestModule,
      imports: queueModules(config),
      controllers: [config.documented ? DocumentedWebhooksController : WebhooksController],
      providers: [{ provide: CONFIG, useValue: config }],
    };
  }
}
