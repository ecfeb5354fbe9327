import "server-only";

import { readFileSync } from "node:fs";

const HTTP_URL = /^https?:\/\/[^/?#]+(\/[^?#]*)?$/;

/** A setting is missing or wrong; the text says which and what to do. For the log, never for a page. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/** Where this server reaches Nexus, without a slash at the end. */
export function nexusUrl(): string {
  return url("NEXUS_URL", required("NEXUS_URL"));
}

/** Where a browser reaches Nexus, for the socket. */
export function nexusPublicUrl(): string {
  return url("NEXUS_PUBLIC_URL", process.env.NEXUS_PUBLIC_URL ?? required("NEXUS_URL"));
}

/** The credentials of this Observer, from `oblivion observer create`. */
export function observerClient(): { id: string; secret: string } {
  return { id: required("OBSERVER_CLIENT_ID"), secret: secret("OBSERVER_CLIENT_SECRET") };
}

/** Where traces are seen, with `{trace_id}` in it. */
export function traceUrl(): string | null {
  return process.env.OBSERVER_TRACE_URL ?? null;
}

function required(name: string): string {
  const value = process.env[name];
  if (!value)
    throw new SettingsError(`${name} is not set; apps/observer/README.md lists what Observer needs.`);
  return value;
}

function secret(name: string): string {
  const path = process.env[`${name}_FILE`];
  return path ? readFileSync(path, "utf8").trim() : required(name);
}

function url(name: string, value: string): string {
  if (!HTTP_URL.test(value)) throw new SettingsError(`${name} is not an http(s) address.`);
  return value.replace(/\/+$/, "");
}
