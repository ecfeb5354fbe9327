import { execFile, spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

export const REPOSITORY = path.join(import.meta.dirname, "../../../..");
const BIN = path.join(REPOSITORY, ".venv/bin");
const START_SECONDS = 600;
/** A dashboard that is not built yet is built first. */
const POLL_MS = 200;

/** Addresses and development credentials of the system under test, as `oblivion up --ready-file` writes them. */
export type Addresses = Record<
  | "nexus_url"
  | "observer_url"
  | "sandbox_url"
  | "clickup_api_url"
  | "clickup_token"
  | "clickup_list_id"
  | "slack_api_url"
  | "slack_human_token"
  | "slack_channel_id"
  | "tenant_id"
  | "admin_client_id"
  | "admin_client_secret"
  | "database_url",
  string
>;

/** Where the system under test keeps its data. */
export function home(): string {
  const found = process.env.OBSERVER_E2E_HOME;
  if (!found) throw new Error("the system under test is not started");
  return found;
}

/** Where everything is. */
export function addresses(): Addresses {
  return JSON.parse(readFileSync(path.join(home(), "ready.json"), "utf8")) as Addresses;
}

/** The process id of a part: `gateway`, `worker`, `demo-agent`, … */
export function pidOf(part: string): number {
  const running = JSON.parse(readFileSync(path.join(home(), ".oblivion/running.json"), "utf8")) as {
    pids: Record<string, number | null>;
  };
  const pid = running.pids[part];
  if (!pid) throw new Error(`${part} does not run at this moment`);
  return pid;
}

/** Runs SQL as the database's owner: what a test needs and no API makes, such as ten thousand rows. */
export async function sql(statement: string): Promise<string[][]> {
  const script = path.join(import.meta.dirname, "sql.py");
  const run = promisify(execFile);
  const { stdout } = await run(path.join(BIN, "python"), [script, addresses().database_url, statement], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(stdout) as string[][];
}

/** Starts `oblivion up` with its dashboard, and says how to stop it. */
export async function startInstallation(port: number): Promise<() => Promise<void>> {
  const directory = await mkdtemp(path.join(os.tmpdir(), "oblivion-e2e-"));
  process.env.OBSERVER_E2E_HOME = directory;
  const ready = path.join(directory, "ready.json");
  const up = spawn(path.join(BIN, "oblivion"), ["up", "--port-base", String(port), "--ready-file", ready], {
    cwd: directory,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [up.stdout, up.stderr]) {
    stream.on("data", (text: Buffer) => {
      said += text.toString();
    });
  }
  const stop = () => stopInstallation(up, directory);
  const deadline = Date.now() + START_SECONDS * 1000;
  while (!isReady(ready)) {
    if (up.exitCode !== null || said.includes("No dashboard") || Date.now() > deadline) {
      await stop();
      throw new Error(`oblivion up did not get there:\n${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return stop;
}

function isReady(file: string): boolean {
  try {
    return "observer_ready" in (JSON.parse(readFileSync(file, "utf8")) as object);
  } catch {
    return false; // not there yet
  }
}

async function stopInstallation(up: ChildProcess, directory: string): Promise<void> {
  if (up.exitCode === null) {
    const ended = new Promise((resolve) => up.once("exit", resolve));
    up.kill("SIGTERM");
    await ended;
  }
  await rm(directory, { recursive: true, force: true });
}
