/**
 * Checks that the production build in `.next` has no development sign-in: its marker is in no built file, and a
 * server started with every flag that might bring it back still does not offer it.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

const MARKER = "oblivion-development-sign-in";
const BUILD = fileURLToPath(new URL("../.next", import.meta.url));
const SERVER = `${BUILD}/standalone/apps/observer/server.js`;
const START_MS = 30_000;

const marked = ["standalone/apps", "static", "server"].flatMap((folder) =>
  readdirSync(`${BUILD}/${folder}`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .filter((path) => readFileSync(path).includes(MARKER)),
);
assert.deepEqual(marked, [], `The development sign-in is in the production build: ${marked.join(", ")}`);

const port = await freePort();
const origin = `http://127.0.0.1:${port}`;
const server = spawn(process.execPath, [SERVER], {
  stdio: ["ignore", "inherit", "inherit"],
  env: {
    PATH: process.env.PATH,
    HOSTNAME: "127.0.0.1",
    PORT: String(port),
    AUTH_SECRET: "check-build-check-build-check-build",
    AUTH_TRUST_HOST: "true",
    AUTH_GITHUB_ID: "id",
    AUTH_GITHUB_SECRET: "secret",
    NEXUS_URL: "http://127.0.0.1:9",
    // Whatever somebody may set by mistake.
    NODE_ENV: "development",
    OBSERVER_LOCAL: "1",
    OBSERVER_BUILD: "local",
  },
});
try {
  await answers(`${origin}/api/health`);
  const providers = await (await fetch(`${origin}/api/auth/providers`)).json();
  assert.deepEqual(Object.keys(providers), ["github"], "A production server offers more than was set up.");
  const login = await (await fetch(`${origin}/login`)).text();
  assert.match(login, /Continue with .{0,20}GitHub/, "The sign-in page lacks its button.");
  assert.doesNotMatch(login, /without a password/, "The sign-in page offers the development sign-in.");
} finally {
  server.kill();
  await once(server, "exit");
}
console.log("The production build has no development sign-in.");

/** @param {string} url */
async function answers(url) {
  const end = Date.now() + START_MS;
  for (;;) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return;
    assert.ok(Date.now() < end && server.exitCode === null, "The server did not start.");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** @returns {Promise<number>} */
async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  assert.ok(address !== null && typeof address === "object");
  probe.close();
  await once(probe, "close");
  return address.port;
}
