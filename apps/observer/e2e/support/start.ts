import { startInstallation } from "./installation";

/** One real system for all tests: PostgreSQL, Valkey, Nexus, sandbox, demo agent, and the dashboard's own server. */
export default async function start(): Promise<() => Promise<void>> {
  return startInstallation(Number(process.env.OBSERVER_E2E_PORT));
}
