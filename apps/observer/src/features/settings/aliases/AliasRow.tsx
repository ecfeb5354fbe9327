"use client";

import { ActionIcon, Tooltip } from "@mantine/core";
import { IconTrash, IconX } from "@tabler/icons-react";
import Link from "next/link";
import type { Agent } from "@/features/agents/roster";
import { usePermission } from "@/lib/me";
import { confirmFirst } from "@/ui/confirmations";
import { CopyButton } from "@/ui/CopyButton";
import { AddAgent } from "./AddAgent";
import classes from "./Aliases.module.css";
import type { Alias } from "./handles";
import { handle, useRemoveAlias, useSetMembership } from "./queries";

/** A handle and those behind it. */
export function AliasRow({ alias, agents }: { alias: Alias; agents: Agent[] }) {
  const { allowed, why } = usePermission("write");
  const setMembership = useSetMembership();
  const removeAlias = useRemoveAlias();
  const name = handle(alias.alias);
  const isSquad = alias.agents.length > 1;
  const free = agents.filter((agent) => agent.revoked_at === null && !alias.agents.includes(agent.name));
  return (
    <li className={classes.row}>
      <div className={classes.handle}>
        <span className="truncate">{name}</span>
        <CopyButton value={name} what={name} />
        <span className={classes.kind}>{isSquad ? `squad of ${alias.agents.length}` : "one agent"}</span>
      </div>
      <div className={classes.members}>
        {alias.agents.map((agent) => (
          <span key={agent} className={classes.member}>
            <Presence agent={agents.find((each) => each.name === agent)} />
            <Link href={`/agents?agent=${encodeURIComponent(agent)}`} className="truncate">
              {agent}
            </Link>
            {allowed && (
              <button
                type="button"
                aria-label={`Take ${agent} away from ${name}`}
                onClick={() => {
                  setMembership.mutate({ alias: alias.alias, agent, isBehind: false });
                }}
              >
                <IconX size={12} aria-hidden />
              </button>
            )}
          </span>
        ))}
        <AddAgent alias={alias.alias} agents={free} />
      </div>
      <Tooltip label={why ?? `Remove ${name}`}>
        <ActionIcon
          aria-label={`Remove ${name}`}
          aria-disabled={!allowed || undefined}
          data-disabled={!allowed || undefined}
          onClick={() => {
            if (!allowed) return;
            confirmFirst({
              title: `Remove ${name}?`,
              children: `Nobody hears of a task any more that mentions ${name}. Tasks that are under way go on, and the ${
                isSquad ? "agents stay" : "agent stays"
              }.`,
              confirm: `Remove ${name}`,
              onConfirm: () => {
                removeAlias.mutate(alias);
              },
            });
          }}
        >
          <IconTrash size={15} />
        </ActionIcon>
      </Tooltip>
    </li>
  );
}

function Presence({ agent }: { agent: Agent | undefined }) {
  const isOnline = agent?.online === true;
  return (
    <span className={classes.presence} data-online={isOnline || undefined}>
      <span className="visually-hidden">{isOnline ? "online" : "offline"}</span>
    </span>
  );
}
