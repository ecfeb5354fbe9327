import type { Model } from "@/lib/api/client";

export type Key = Model<"KeyResource">;
export type Scope = Model<"NewKey">["scopes"][number];

/** What a program may be allowed, least first; each includes those before it. */
export const SCOPES: readonly { scope: Scope; label: string; help: string }[] = [
  { scope: "admin:read", label: "Read", help: "Sees everything, changes nothing. For monitoring." },
  { scope: "admin:operate", label: "Operate", help: "Also links lists, replays, cancels and mutes." },
  {
    scope: "admin:write",
    label: "Administer",
    help: "Everything: agents, connections, people and keys, too.",
  },
];

const KINDS: Record<Key["kind"], string> = { agent: "Agent", admin: "Program", observer: "Dashboard" };

/** What a key is for. */
export function kindLabel(key: Key): string {
  return KINDS[key.kind];
}

/** What it may do, in a word. */
export function scopeLabel(key: Key): string {
  if (key.kind === "agent") return "Work as an agent";
  if (key.kind === "observer") return "Act for people";
  return SCOPES.findLast(({ scope }) => key.scopes.includes(scope))?.label ?? key.scopes.join(", ");
}

/** Why a key cannot be rotated here; null when it can. */
export function whyNotRotated(key: Key): string | null {
  if (key.kind === "observer") {
    return "The dashboard's own secret is shown on the command line only: run “oblivion observer create”, then revoke this one.";
  }
  return null;
}

/** The keys that are shown: live ones, or all; those in which the text stands. */
export function matchingKeys(keys: Key[], text: string, withRevoked: boolean): Key[] {
  const wanted = text.trim().toLowerCase();
  return keys.filter(
    (key) =>
      (withRevoked || key.revoked_at === null) &&
      (key.name.toLowerCase().includes(wanted) || key.client_id.toLowerCase().includes(wanted)),
  );
}

/** How a program gets a token with a new key, for a shell. */
export function tokenCommand(nexusUrl: string, clientId: string, clientSecret: string): string {
  return [
    `curl -s ${nexusUrl}/auth/token \\`,
    `  -u '${clientId}:${clientSecret}' \\`,
    "  -d grant_type=client_credentials",
  ].join("\n");
}
