"use client";

import { useMutation, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { bodyOf } from "@/lib/api/client";
import { PAGE_LIMIT, readWhole } from "@/lib/api/pages";
import { useApi } from "@/lib/api/provider";
import { toastDone, toastFailed } from "@/ui/toasts";
import type { Agent } from "./roster";

const KEY = ["agents"];
/** What presence does not tell, such as the processes of an agent, is at most this old. */
const REREAD_MS = 15_000;

type Roster = { items: Agent[]; next_cursor?: string | null };

/** Every agent, also the revoked ones. Presence keeps it live. */
export function useRoster() {
  const api = useApi();
  return useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) =>
      readWhole((cursor) =>
        bodyOf(api.GET("/v1/agents", { params: { query: { limit: PAGE_LIMIT, cursor } }, signal })),
      ),
    refetchInterval: REREAD_MS,
  });
}

export interface MuteChange {
  agent: Agent;
  muted: boolean;
  /** Why; people and the agent read it. */
  reason?: string;
}

/** Mutes or unmutes an agent; shown at once, taken back when Nexus refuses, undone with the toast. */
export function useSetMuted() {
  const api = useApi();
  const queries = useQueryClient();
  const mutation = useMutation({
    mutationFn: ({ agent, muted, reason = "" }: MuteChange) => {
      const path = { name: agent.name };
      return muted
        ? bodyOf(api.POST("/v1/agents/{name}/mute", { params: { path }, body: { reason } }))
        : bodyOf(api.POST("/v1/agents/{name}/unmute", { params: { path } }));
    },
    onMutate: ({ agent, muted, reason }) =>
      change(queries, agent.name, (row) => ({
        ...row,
        muted,
        muted_at: muted ? new Date().toISOString() : null,
        muted_reason: muted ? (reason ?? null) : null,
      })),
    onSuccess: (row, { agent, muted }) => {
      put(queries, row);
      toastDone(muted ? `${row.name} is muted.` : `${row.name} may take work again.`, () => {
        mutation.mutate({ agent: row, muted: !muted, reason: agent.muted_reason ?? "" });
      });
    },
    onError: (error, wanted, rollback) => {
      rollback?.();
      const what = `Could not ${wanted.muted ? "mute" : "unmute"} ${wanted.agent.name}`;
      toastFailed(what, error, () => {
        mutation.mutate(wanted);
      });
    },
    onSettled: () => queries.invalidateQueries({ queryKey: KEY }),
  });
  return mutation;
}

/** Sets how much an agent may say in a minute before it is muted. */
export function useSetMessageLimit() {
  const api = useApi();
  const queries = useQueryClient();
  const mutation = useMutation({
    mutationFn: ({ agent, messagesPerMinute }: { agent: Agent; messagesPerMinute: number }) =>
      bodyOf(
        api.PATCH("/v1/agents/{name}", {
          params: { path: { name: agent.name } },
          body: { messages_per_minute: messagesPerMinute },
        }),
      ),
    onMutate: ({ agent, messagesPerMinute }) =>
      change(queries, agent.name, (row) => ({ ...row, messages_per_minute: messagesPerMinute })),
    onSuccess: (row) => {
      put(queries, row);
      toastDone(`${row.name} may say ${row.messages_per_minute} things a minute.`);
    },
    onError: (error, wanted, rollback) => {
      rollback?.();
      toastFailed(`Could not change how much ${wanted.agent.name} may say`, error, () => {
        mutation.mutate(wanted);
      });
    },
    onSettled: () => queries.invalidateQueries({ queryKey: KEY }),
  });
  return mutation;
}

export interface AgentToBe {
  name: string;
  skills: string[];
  aliases: string[];
}

/** Registers an agent. The answer has its secret: it is forgotten as soon as nobody looks at it. */
export function useCreateAgent() {
  const api = useApi();
  const queries = useQueryClient();
  return useMutation({
    gcTime: 0,
    mutationFn: (body: AgentToBe) => bodyOf(api.POST("/v1/agents", { body })),
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: KEY }),
        queries.invalidateQueries({ queryKey: ["aliases"] }),
        queries.invalidateQueries({ queryKey: ["keys"] }),
      ]),
  });
}

/** Gives an agent a new secret; the answer is forgotten as soon as nobody looks at it. */
export function useRotateAgent() {
  const api = useApi();
  return useMutation({
    gcTime: 0,
    mutationFn: ({ name, overlapSeconds }: { name: string; overlapSeconds: number }) =>
      bodyOf(
        api.POST("/v1/agents/{name}/rotate", {
          params: { path: { name } },
          body: { overlap_seconds: overlapSeconds },
        }),
      ),
  });
}

/** Ends an agent for good. */
export function useRevokeAgent() {
  const api = useApi();
  const queries = useQueryClient();
  const mutation = useMutation({
    mutationFn: (name: string) => bodyOf(api.DELETE("/v1/agents/{name}", { params: { path: { name } } })),
    onMutate: (name) =>
      change(queries, name, (row) => ({
        ...row,
        online: false,
        sessions: [],
        revoked_at: new Date().toISOString(),
      })),
    onSuccess: (_, name) => {
      toastDone(`${name} is revoked.`);
    },
    onError: (error, name, rollback) => {
      rollback?.();
      toastFailed(`Could not revoke ${name}`, error, () => {
        mutation.mutate(name);
      });
    },
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: KEY }),
        queries.invalidateQueries({ queryKey: ["aliases"] }),
        queries.invalidateQueries({ queryKey: ["keys"] }),
      ]),
  });
  return mutation;
}

/** Shows a change before Nexus has answered. Returns what takes it back. */
async function change(queries: QueryClient, name: string, to: (agent: Agent) => Agent): Promise<() => void> {
  await queries.cancelQueries({ queryKey: KEY });
  const before = queries.getQueryData<Roster>(KEY)?.items.find((row) => row.name === name);
  update(queries, name, to);
  return () => {
    if (before !== undefined) put(queries, before);
  };
}

function put(queries: QueryClient, agent: Agent): void {
  update(queries, agent.name, () => agent);
}

function update(queries: QueryClient, name: string, to: (agent: Agent) => Agent): void {
  queries.setQueryData<Roster>(
    KEY,
    (roster) =>
      roster && { ...roster, items: roster.items.map((row) => (row.name === name ? to(row) : row)) },
  );
}
