import { defineConfig, devices } from "@playwright/test";

// Chosen once; the processes that run the tests inherit it.
process.env.OBSERVER_E2E_PORT ??= String(20_000 + 10 * Math.floor(Math.random() * 1_200));
const base = Number(process.env.OBSERVER_E2E_PORT);

/** Flags for a machine that is closed to the outside, and for containers. */
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export default defineConfig({
  testDir: "e2e",
  testMatch: `*.${process.env.OBSERVER_E2E_KIND ?? "spec"}.ts`,
  // One system for all tests: what one does, the next one sees.
  workers: 1,
  fullyParallel: false,
  forbidOnly: Boolean(process.env.CI),
  retries: 0,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: process.env.CI ? [["list"]] : [["list"], ["html", { open: "never" }]],
  globalSetup: "./e2e/support/start.ts",
  use: {
    ...devices["Desktop Chrome"],
    channel: undefined,
    viewport: { width: 1440, height: 900 },
    baseURL: `http://127.0.0.1:${base + 1}`,
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
    launchOptions: { executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium", args: flags },
  },
});
