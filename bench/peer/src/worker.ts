import { Processor, WorkerHost } from "@nestjs/bullmq";
import { type DynamicModule, Inject, Module } from "@nestjs/common";
import type { Job } from "bullmq";
import { CONFIG, type Config } from "./config.js";
import { QUEUE, queueModules, type WebhookJob } from "./queue.js";

@Processor(QUEUE, { concurrency: 50 })
export class WebhookProcessor extends WorkerHost {
  constructor(@Inject(CONFIG) private readonly config: Config) {
    super();
  }

  async process(job: Job<WebhookJob>): Promise<void> {
    const webhook: unknown = JSON.parse(job.data.body);
    if (this.config.sinkUrl === undefined) return;
    const answer = await fetch(this.config.sinkUrl, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(webhook),
    });
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`the sink answered ${answer.status}`);
  }
}

@Module({})
export class WorkerModule {
  static with(config: Config): DynamicModule {
    return {
      module: WorkerModule,
      imports: queueModules(config),
      providers: [WebhookProcessor, { provide: CONFIG, useValue: config }],
    };
  }
}
