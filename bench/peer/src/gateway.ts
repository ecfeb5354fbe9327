import { type DynamicModule, Module } from "@nestjs/common";
import { JwtModule } from "@nestjs/jwt";
import { Redis } from "ioredis";
import { AgentsGateway, Presence } from "./agents.js";
import type { Config } from "./config.js";
import { ControlController } from "./control.js";

@Module({})
export class GatewayModule {
  static with(config: Config): DynamicModule {
    return {
      module: GatewayModule,
      imports: [JwtModule.register({ secret: config.jwtSecret })],
      controllers: [ControlController],
      providers: [
        AgentsGateway,
        Presence,
        { provide: Redis, useFactory: () => new Redis(config.redisUrl, { enableAutoPipelining: true }) },
      ],
    };
  }
}
