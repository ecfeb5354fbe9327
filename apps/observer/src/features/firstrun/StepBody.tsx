"use client";

import { Anchor } from "@mantine/core";
import Link from "next/link";
import { useRouter } from "next/navigation";
import type { ReactNode } from "react";
import type { Agent } from "@/features/agents/roster";
import type { Model } from "@/lib/api/client";
import { ActionButton } from "@/ui/ActionButton";
import { Command } from "@/ui/Command";
import { StatusBadge } from "@/ui/StatusBadge";
import { toolName } from "@/ui/words";
import { firstTask } from "./firstTask";
import { StartAgent } from "./StartAgent";
import type { FirstRun, Step } from "./steps";

/** What is known of the installation so far. */
export interface Facts {
  firstRun: FirstRun;
  vendors: Model<"VendorHealth">[];
  agents: Agent[];
  mappings: Model<"MappingResource">[];
}

export interface StepBodyProps {
  step: Step;
  facts: Facts;
  onConnect: (vendor: string) => void;
  onCreateAgent: () => void;
}

/** What to do for a step, and the button or the command that does it. */
export function StepBody({ step, facts, onConnect, onCreateAgent }: StepBodyProps) {
  switch (step) {
    case "clickup":
      return (
        <Connect vendor="clickup" onConnect={onConnect}>
          Oblivion reads the tasks that mention a squad, and writes back what matters. You need the API token
          of a ClickUp user for the bot; the webhook is made for you.
        </Connect>
      );
    case "slack":
      return (
        <Connect vendor="slack" onConnect={onConnect}>
          Each task becomes one card in Slack, and people steer it from the thread. You make a Slack app from
          a manifest that is ready to paste, and enter its two secrets.
        </Connect>
      );
    case "mapping":
      return <LinkList />;
    case "agent":
      return (
        <>
          <p>
            An agent is a program of yours. Give it a name, and a squad that people mention, such as{" "}
            <b>@AI_Squad</b>. You get its credentials once.
          </p>
          <ActionButton needs="write" variant="filled" onClick={onCreateAgent}>
            Create an agent
          </ActionButton>
        </>
      );
    case "agent_online":
      return <StartAgent agents={facts.agents} />;
    case "mirrored":
      return <WriteTask facts={facts} />;
  }
}

/** What was done in a step, in a sentence; null when that is not known. */
export function doneWords(step: Step, { vendors, mappings, agents }: Facts): string | null {
  const workspaces = (vendor: string) =>
    listed(vendors.filter((each) => each.vendor === vendor).map(({ name }) => name));
  switch (step) {
    case "clickup":
      return workspaces("clickup");
    case "slack":
      return workspaces("slack");
    case "mapping": {
      const [first, ...more] = mappings;
      if (first === undefined) return null;
      const words = `${first.list_name} → #${first.channel_name}`;
      return more.length === 0 ? words : `${words} and ${more.length} more`;
    }
    case "agent":
      return listed(agents.filter(({ revoked_at }) => revoked_at === null).map(({ name }) => name));
    case "agent_online": {
      const online = agents.filter((agent) => agent.online).map(({ name }) => name);
      const names = listed(online);
      return names === null ? null : `${names} ${online.length === 1 ? "is" : "are"} online`;
    }
    case "mirrored":
      return "Its card is in Slack.";
  }
}

interface ConnectProps {
  vendor: string;
  onConnect: StepBodyProps["onConnect"];
  children: ReactNode;
}

function Connect({ vendor, onConnect, children }: ConnectProps) {
  return (
    <>
      <p>{children}</p>
      <ActionButton
        needs="write"
        variant="filled"
        onClick={() => {
          onConnect(vendor);
        }}
      >
        Connect {toolName(vendor)}
      </ActionButton>
    </>
  );
}

function LinkList() {
  const router = useRouter();
  return (
    <>
      <p>
        Choose which channel hears about a list. Nothing of other lists is ever posted. Invite the bot to the
        channel first: <code className="mono">/invite @Oblivion</code> in Slack.
      </p>
      <ActionButton
        needs="operate"
        variant="filled"
        onClick={() => {
          router.push("/mappings");
        }}
      >
        Choose a list and a channel
      </ActionButton>
    </>
  );
}

function WriteTask({ facts: { agents, mappings } }: { facts: Facts }) {
  const task = firstTask(agents);
  const [mapping] = mappings;
  if (task === null) {
    return (
      <p>
        Nobody can be mentioned yet. Give your agent a name that people write, such as @AI_Squad, under{" "}
        <Anchor component={Link} href="/settings/aliases" inherit underline="always">
          Aliases
        </Anchor>
        .
      </p>
    );
  }
  return (
    <>
      <p>
        In ClickUp
        {mapping !== undefined && (
          <>
            , in the list <b>{mapping.list_name}</b>
          </>
        )}
        , write a task with any title and this description:
      </p>
      <Command>{task.description}</Command>
      <p>
        Its card appears in {mapping === undefined ? "the channel" : <b>#{mapping.channel_name}</b>} within
        seconds, and here.
      </p>
      <StatusBadge look={{ label: "Waiting for your first task", tone: "waiting" }} plain pulse />
    </>
  );
}

/** "a", "a and b", "a, b and 3 more"; null for none. */
function listed(names: string[]): string | null {
  const [first, second, ...more] = names;
  if (first === undefined) return null;
  if (second === undefined) return first;
  return more.length === 0 ? `${first} and ${second}` : `${first}, ${second} and ${more.length} more`;
}
