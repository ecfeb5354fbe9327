/** What a process needs to be an agent. */
export interface AgentCredentials {
  uri: string;
  clientId: string;
  clientSecret: string;
}

export const FORMATS = ["shell", "env", "kubernetes"] as const;
export type Format = (typeof FORMATS)[number];

export const FORMAT_LABELS: Record<Format, string> = {
  shell: "Shell",
  env: ".env",
  kubernetes: "Kubernetes",
};

/** The three variables that the SDK reads, ready to paste. `name` is the agent's. */
export function environment(format: Format, name: string, credentials: AgentCredentials): string {
  const variables = {
    OBLIVION_URI: credentials.uri,
    AGENT_ID: credentials.clientId,
    AGENT_SECRET: credentials.clientSecret,
  };
  const entries = Object.entries(variables);
  switch (format) {
    case "shell":
      return entries.map(([key, value]) => `export ${key}=${quoted(value)}`).join("\n");
    case "env":
      return entries.map(([key, value]) => `${key}=${value}`).join("\n");
    case "kubernetes":
      return [
        "apiVersion: v1",
        "kind: Secret",
        "metadata:",
        `  name: ${resourceName(name)}`,
        "stringData:",
        ...entries.map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`),
      ].join("\n");
  }
}

/** For a POSIX shell; plain where nothing in it means anything there. */
function quoted(value: string): string {
  return /^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}

/** A name that Kubernetes takes: lower case, digits and hyphens. */
function resourceName(name: string): string {
  const words = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return `oblivion-agent-${words || "unnamed"}`;
}
