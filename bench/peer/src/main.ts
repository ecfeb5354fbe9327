import "reflect-metadata";
import { NestFactory } from "@nestjs/core";
import { FastifyAdapter, type NestFastifyApplication } from "@nestjs/platform-fastify";
import { type Config, readConfig } from "./config.js";
import { GatewayModule } from "./gateway.js";
import { IngestModule } from "./ingest.js";
import { RedisIoAdapter } from "./redis-io.adapter.js";
import { WorkerModule } from "./worker.js";

const MAX_BODY_BYTES = 1024 * 1024;

function moduleOf(config: Config) {
  switch (config.role) {
    case "ingest":
      return IngestModule.with(config);
    case "gateway":
      return GatewayModule.with(config);
    case "worker":
      return WorkerModule.with(config);
  }
}

const config = readConfig();
const app = await NestFactory.create<NestFastifyApplication>(
  moduleOf(config),
  new FastifyAdapter({ forceCloseConnections: true }),
  { logger: ["error", "warn"], rawBody: config.role === "ingest" && config.documented },
);
app.enableShutdownHooks();
if (config.role === "ingest" && !config.documented) {
  // Signatures are of bytes: what is not verified is not parsed.
  app.useBodyParser("application/json", { bodyLimit: MAX_BODY_BYTES }, (_request, body, done) => {
    done(null, body);
  });
}
if (config.role === "gateway") app.useWebSocketAdapter(new RedisIoAdapter(app, config.redisUrl));
await app.listen(config.port, "127.0.0.1");
console.log("ready");
