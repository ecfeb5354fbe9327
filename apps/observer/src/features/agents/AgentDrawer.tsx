"use client";

import { Anchor, Button } from "@mantine/core";
import { IconRobotOff } from "@tabler/icons-react";
import Link from "next/link";
import type { ReactNode } from "react";
import { useHeld } from "@/lib/held";
import { ActionButton } from "@/ui/ActionButton";
import { CopyButton } from "@/ui/CopyButton";
import { DetailDrawer } from "@/ui/DetailDrawer";
import { EmptyState } from "@/ui/EmptyState";
import { Notice } from "@/ui/Notice";
import { SkeletonText } from "@/ui/Skeletons";
import { StatusBadge } from "@/ui/StatusBadge";
import { stateLook } from "@/ui/states";
import { Time } from "@/ui/Time";
import { AgentActions } from "./AgentActions";
import classes from "./AgentDrawer.module.css";
import { AgentMark } from "./AgentMark";
import { AgentSessions } from "./AgentSessions";
import { CurrentTaskList } from "./CurrentTasks";
import { LoadBar } from "./LoadBar";
import { MessageLimit } from "./MessageLimit";
import { useSetMuted } from "./queries";
import { presenceLook, skillsOf, type Agent } from "./roster";
import { Words } from "./Words";

export interface AgentDrawerProps {
  /** The name in the URL; null while nothing is open. */
  name: string | null;
  /** Undefined until the roster is read. */
  agents: Agent[] | undefined;
  onClose: () => void;
}

/** All that is known of one agent, and what can be done with it. */
export function AgentDrawer({ name, agents, onClose }: AgentDrawerProps) {
  const shown = useHeld(name);
  const agent = agents?.find((each) => each.name === shown);
  return (
    <DetailDrawer
      opened={name !== null}
      onClose={onClose}
      title={
        <span className={classes.title}>
          {agent !== undefined && <AgentMark agent={agent} large />}
          {shown}
        </span>
      }
      subtitle={agent && <Standing agent={agent} />}
      actions={agent?.revoked_at === null ? <AgentActions agent={agent} /> : undefined}
    >
      {agent !== undefined ? (
        <AgentDetail agent={agent} />
      ) : agents === undefined ? (
        <SkeletonText lines={5} />
      ) : (
        <EmptyState
          icon={<IconRobotOff size={20} />}
          title={`There is no agent ${shown ?? ""}`}
          action={<Button onClick={onClose}>See all agents</Button>}
        >
          The address may have been copied in part, or the agent belongs to another installation.
        </EmptyState>
      )}
    </DetailDrawer>
  );
}

function Standing({ agent }: { agent: Agent }) {
  const isRevoked = agent.revoked_at !== null;
  return (
    <>
      <StatusBadge look={presenceLook(agent)} pulse={agent.online} />
      {agent.muted && !isRevoked && <StatusBadge look={stateLook("muted")} />}
      <span>
        {isRevoked ? "revoked" : agent.last_seen_at === null ? "seen" : "last seen"}{" "}
        <Time at={agent.revoked_at ?? agent.last_seen_at} />
      </span>
      <span>
        created <Time at={agent.created_at} />
      </span>
    </>
  );
}

function AgentDetail({ agent }: { agent: Agent }) {
  const isRevoked = agent.revoked_at !== null;
  return (
    <div className={classes.sections}>
      {isRevoked && (
        <Notice tone="offline" title="This agent is revoked">
          Its secrets and tokens do not work any more. Its history stays, and its name with it.
        </Notice>
      )}
      {agent.muted && !isRevoked && <MutedNotice agent={agent} />}
      {!isRevoked && (
        <Section title="Work">
          <LoadBar load={agent.load} capacity={agent.capacity} wide />
          <CurrentTaskList agent={agent} />
          <p className={classes.links}>
            <Anchor component={Link} size="sm" href={`/tasks?agent=${encodeURIComponent(agent.name)}`}>
              All its tasks
            </Anchor>
            <Anchor component={Link} size="sm" href={`/feed?q=${encodeURIComponent(agent.name)}`}>
              Its lines in the live feed
            </Anchor>
          </p>
        </Section>
      )}
      {!isRevoked && (
        <Section title="Messages">
          <MessageLimit agent={agent} />
        </Section>
      )}
      <Section title={`Sessions (${agent.sessions.length})`}>
        <AgentSessions agent={agent} />
      </Section>
      <Section title="Skills">
        <Words words={skillsOf(agent)} none="None are registered: it gets work of the type “default” only." />
      </Section>
      <Section title="Aliases">
        <Words words={agent.aliases} none="No alias leads to it, so nobody can address it yet." />
        <Anchor component={Link} size="sm" href="/settings/aliases">
          Change aliases and squads
        </Anchor>
      </Section>
      <Section title="Credentials">
        <dl className={classes.facts}>
          <dt>Client id</dt>
          <dd>
            <span className="mono">{agent.client_id}</span>
            <CopyButton value={agent.client_id} what="client id" />
          </dd>
          <dt>Secret</dt>
          <dd>
            {isRevoked ? "Does not work any more" : "Shown once, when it is made. Rotate it if it is lost."}
          </dd>
        </dl>
      </Section>
    </div>
  );
}

function MutedNotice({ agent }: { agent: Agent }) {
  const setMuted = useSetMuted();
  return (
    <Notice
      tone="waiting"
      title={
        <>
          Muted <Time at={agent.muted_at} never="" />
        </>
      }
      action={
        <ActionButton
          needs="operate"
          loading={setMuted.isPending}
          onClick={() => {
            setMuted.mutate({ agent, muted: false });
          }}
        >
          Unmute
        </ActionButton>
      }
    >
      {agent.muted_reason ? `“${agent.muted_reason}”` : "No reason was given."}
      <br />
      It is offered nothing, and may finish what it holds. {heldBack(agent.held)}
    </Notice>
  );
}

function heldBack(held: number): string {
  if (held === 0) return "What it says is held back and posted once it may speak again.";
  const messages = held === 1 ? "1 message is" : `${held.toLocaleString("en")} messages are`;
  return `${messages} held back and posted once it may speak again.`;
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={classes.section}>
      <h3 className={classes.heading}>{title}</h3>
      {children}
    </section>
  );
}
