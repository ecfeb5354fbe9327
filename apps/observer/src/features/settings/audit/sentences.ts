import type { Model } from "@/lib/api/client";
import { toolName } from "@/ui/words";

export type AuditEntry = Model<"AuditResource">;

/** What can be asked for: kinds of objects, and what is done to them. */
export const ACTIONS: readonly { value: string; label: string }[] = [
  { value: "mapping", label: "Mappings" },
  { value: "agent", label: "Agents" },
  { value: "alias", label: "Aliases" },
  { value: "task", label: "Tasks" },
  { value: "delivery", label: "Deliveries" },
  { value: "connection", label: "Connections" },
  { value: "member", label: "People" },
  { value: "client", label: "Keys" },
];

type Telling = (object: string, data: AuditEntry["data"]) => string;

const SENTENCES: Record<string, Telling> = {
  "mapping.link": (object, data) => `linked list ${object} to channel ${text(data.channel)}`,
  "mapping.change": (object) => `changed the mapping of list ${object}`,
  "mapping.unlink": (object, data) => `unlinked list ${text(data.list) || object}`,
  "agent.create": (object, data) => `created the agent ${object}${listed(data.aliases, " behind ")}`,
  "agent.mute": (object, data) => `muted ${object}${because(data.reason)}`,
  "agent.unmute": (object) => `unmuted ${object}`,
  "agent.revoke": (object) => `revoked the agent ${object}`,
  "alias.add": (object, data) => `put ${text(data.agent)} behind @${object}`,
  "alias.remove": (object, data) =>
    text(data.agent) === "" ? `removed @${object}` : `took ${text(data.agent)} away from @${object}`,
  "task.cancel": () => "canceled a task",
  "task.reassign": (_, data) =>
    text(data.to) === "" ? "gave a task back to the squad" : `gave a task to ${text(data.to)}`,
  "delivery.replay": () => "replayed a delivery",
  "connection.connect": (object, data) => `connected ${toolName(object)}, workspace ${text(data.workspace)}`,
  "connection.disconnect": (object, data) => `removed ${toolName(object)}, workspace ${text(data.workspace)}`,
  "member.add": (object, data) => `added ${object} as ${text(data.role)}`,
  "member.change": (object, data) => `made ${object} ${text(data.role)} instead of ${text(data.before)}`,
  "member.remove": (object) => `removed ${object}`,
  "client.create": (_, data) => `made the key ${text(data.name)}`,
  "client.rotate": (object) => `rotated the secret of ${object}`,
  "client.revoke": (object) => `revoked the key ${object}`,
};

/** What somebody did, as one says it after their name. An act that is not known is told as it is written down. */
export function sentence({ action, object, data }: AuditEntry): string {
  return SENTENCES[action]?.(object, data) ?? `${action} ${object}`;
}

const PLACES: Record<string, (id: string) => `/${string}`> = {
  agent: (id) => `/agents?agent=${id}`,
  task: (id) => `/tasks?task=${id}`,
  delivery: (id) => `/dead-letters?delivery=${id}`,
  mapping: () => "/mappings",
  alias: (id) => `/settings/aliases?q=${id}`,
  member: (id) => `/settings/people?q=${id}`,
  client: (id) => `/settings/keys?revoked=true&q=${id}`,
  connection: () => "/settings/connections",
};

/** Where the object of an act is shown, if anywhere. */
export function placeOf({ action, object }: AuditEntry): `/${string}` | null {
  const [kind = ""] = action.split(".");
  return PLACES[kind]?.(encodeURIComponent(object)) ?? null;
}

function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function listed(value: unknown, before: string): string {
  const words = Array.isArray(value) ? value.map(text).filter((word) => word !== "") : [];
  return words.length === 0 ? "" : before + words.map((word) => `@${word}`).join(", ");
}

function because(reason: unknown): string {
  return text(reason) === "" ? "" : `: ${text(reason)}`;
}
