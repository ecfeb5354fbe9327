/** What the environment says; nothing else reads it. */
export interface Config {
  role: "ingest" | "gateway" | "worker";
  port: number;
  redisUrl: string;
  webhookSecret: string;
  jwtSecret: string;
  /** Where the worker posts what it takes; it only takes it where there is none. */
  sinkUrl: string | undefined;
  autoPipelining: boolean;
  /** As the documentation shows it, and not as somebody would who has measured. */
  documented: boolean;
}

function needed(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

export function readConfig(): Config {
  const role = needed("PEER_ROLE");
  if (role !== "ingest" && role !== "gateway" && role !== "worker") {
    throw new Error(`PEER_ROLE is ${role}; there are ingest, gateway and worker`);
  }
  return {
    role,
    port: Number(needed("PORT")),
    redisUrl: needed("REDIS_URL"),
    webhookSecret: role === "ingest" ? needed("WEBHOOK_SECRET") : "",
    jwtSecret: role === "gateway" ? needed("JWT_SECRET") : "",
    sinkUrl: process.env.SINK_URL || undefined,
    autoPipelining: process.env.PEER_AUTO_PIPELINING !== "0",
    documented: process.env.PEER_DOCUMENTED === "1",
  };
}

export const CONFIG = Symbol("config");
