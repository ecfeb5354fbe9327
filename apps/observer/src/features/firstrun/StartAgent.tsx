"use client";

import { Anchor } from "@mantine/core";
import type { Route } from "next";
import Link from "next/link";
import { environment } from "@/features/agents/environment";
import type { Agent } from "@/features/agents/roster";
import { useConfig } from "@/lib/config";
import { CodeBlock } from "@/ui/CodeBlock";
import { StatusBadge } from "@/ui/StatusBadge";
import { agentToStart } from "./firstTask";

const SECRET = "the-secret-that-you-stored";

/** The commands that start an agent, ready to paste but for the secret; waits until it is there. */
export function StartAgent({ agents }: { agents: Agent[] }) {
  const { nexusUrl } = useConfig();
  const agent = agentToStart(agents);
  if (agent === null) return <p>Create an agent first; then its commands stand here.</p>;
  const { name, client_id } = agent;
  const variables = environment("shell", name, { uri: nexusUrl, clientId: client_id, clientSecret: SECRET });
  return (
    <>
      <p>
        Paste this where the agent is to run. It needs Python 3.11 and opens one connection to Nexus; nobody
        has to reach it from outside.
      </p>
      <CodeBlock what="commands">
        {[variables, `oblivion-agent new ${name} && cd ${name}`, "make run"].join("\n")}
      </CodeBlock>
      <p>
        The secret was shown when you created {name}. Lost it? Rotate it in{" "}
        <Anchor
          component={Link}
          href={`/agents?agent=${encodeURIComponent(name)}` as Route}
          inherit
          underline="always"
        >
          its drawer
        </Anchor>
        .
      </p>
      <StatusBadge look={{ label: `Waiting for ${name} to connect`, tone: "waiting" }} plain pulse />
    </>
  );
}
