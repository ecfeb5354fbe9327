"use client";

import { useMutation, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { bodyOf, type Model, type NexusClient } from "@/lib/api/client";
import { useApi } from "@/lib/api/provider";
import { toastDone, toastFailed } from "@/ui/toasts";
import { withAgent, withoutAgent, type Alias } from "./handles";

const KEY = ["aliases"];

type Aliases = Model<"Page_AliasResource_">;

/** Every handle with the agents behind it. */
export function useAliases() {
  const api = useApi();
  return useQuery({ queryKey: KEY, queryFn: ({ signal }) => bodyOf(api.GET("/v1/aliases", { signal })) });
}

/** Whether one agent stands behind one handle. */
export interface Membership {
  alias: string;
  agent: string;
  isBehind: boolean;
}

/** Puts an agent behind a handle or takes it away; shown at once, taken back when refused, undone with the toast. */
export function useSetMembership() {
  const api = useApi();
  const queries = useQueryClient();
  const mutation = useMutation({
    mutationFn: async ({ alias, agent, isBehind }: Membership): Promise<void> => {
      if (isBehind) await api.POST("/v1/aliases", { body: { alias, agent } });
      else await api.DELETE("/v1/aliases/{alias}", { params: { path: { alias }, query: { agent } } });
    },
    onMutate: ({ alias, agent, isBehind }) =>
      change(queries, (aliases) => (isBehind ? withAgent : withoutAgent)(aliases, alias, agent)),
    onSuccess: (_, done) => {
      const { alias, agent, isBehind } = done;
      toastDone(`${agent} ${isBehind ? "answers" : "no longer answers"} to ${handle(alias)}.`, () => {
        mutation.mutate({ ...done, isBehind: !isBehind });
      });
    },
    onError: (error, wanted, rollback) => {
      rollback?.();
      const { alias, agent, isBehind } = wanted;
      const what = isBehind
        ? `put ${agent} behind ${handle(alias)}`
        : `take ${agent} away from ${handle(alias)}`;
      toastFailed(`Could not ${what}`, error, () => {
        mutation.mutate(wanted);
      });
    },
    onSettled: () => reread(queries),
  });
  return mutation;
}

/** Makes a handle for one or several agents. Fails with the first that is refused; those before it stay. */
export function useCreateAlias() {
  const api = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (alias: Alias) => putAllBehind(api, alias),
    onSettled: () => reread(queries),
  });
}

/** Takes a handle away from everybody. */
export function useRemoveAlias() {
  const api = useApi();
  const queries = useQueryClient();
  const restore = useMutation({
    mutationFn: (alias: Alias) => putAllBehind(api, alias),
    onSuccess: (_, { alias }) => {
      toastDone(`${handle(alias)} is back.`);
    },
    onError: (error, wanted) => {
      toastFailed(`Could not bring ${handle(wanted.alias)} back`, error, () => {
        restore.mutate(wanted);
      });
    },
    onSettled: () => reread(queries),
  });
  const mutation = useMutation({
    mutationFn: ({ alias }: Alias) =>
      bodyOf(api.DELETE("/v1/aliases/{alias}", { params: { path: { alias } } })),
    onMutate: ({ alias }) => change(queries, (aliases) => aliases.filter((each) => each.alias !== alias)),
    onSuccess: (_, alias) => {
      toastDone(`${handle(alias.alias)} is removed.`, () => {
        restore.mutate(alias);
      });
    },
    onError: (error, wanted, rollback) => {
      rollback?.();
      toastFailed(`Could not remove ${handle(wanted.alias)}`, error, () => {
        mutation.mutate(wanted);
      });
    },
    onSettled: () => reread(queries),
  });
  return mutation;
}

/** A handle as people write it. */
export function handle(alias: string): string {
  return alias.startsWith("@") ? alias : `@${alias}`;
}

async function putAllBehind(api: NexusClient, { alias, agents }: Alias): Promise<void> {
  for (const agent of agents) await bodyOf(api.POST("/v1/aliases", { body: { alias, agent } }));
}

async function change(queries: QueryClient, to: (aliases: Alias[]) => Alias[]): Promise<() => void> {
  await queries.cancelQueries({ queryKey: KEY });
  const before = queries.getQueryData<Aliases>(KEY);
  queries.setQueryData<Aliases>(KEY, (data) => data && { ...data, items: to(data.items) });
  return () => {
    queries.setQueryData(KEY, before);
  };
}

async function reread(queries: QueryClient): Promise<void> {
  await Promise.all([
    queries.invalidateQueries({ queryKey: KEY }),
    queries.invalidateQueries({ queryKey: ["agents"] }),
  ]);
}
