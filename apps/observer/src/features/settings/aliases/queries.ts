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

/** One agent behind one handle. */
export interface Membership {
  alias: string;
  agent: string;
}

/** Puts an agent behind a handle; shown at once, taken back when Nexus refuses. */
export function useAddToAlias() {
  const api = useApi();
  const queries = useQueryClient();
  const mutation = useMutation({
    mutationFn: (body: Membership) => bodyOf(api.POST("/v1/aliases", { body })),
    onMutate: (body) => change(queries, (aliases) => withAgent(aliases, body.alias, body.agent)),
    onSuccess: (_, { alias, agent }) => {
      toastDone(`${agent} stands behind ${handle(alias)}.`);
    },
    onError: (error, wanted, rollback) => {
      rollback?.();
      toastFailed(`Could not put ${wanted.agent} behind ${handle(wanted.alias)}`, error, () => {
        mutation.mutate(wanted);
      });
    },
    onSettled: () => reread(queries),
  });
  return mutation;
}

/** Takes one agent away from a handle; the toast puts it back. */
export function useRemoveFromAlias() {
  const api = useApi();
  const queries = useQueryClient();
  const add = useAddToAlias();
  const mutation = useMutation({
    mutationFn: ({ alias, agent }: Membership) =>
      bodyOf(api.DELETE("/v1/aliases/{alias}", { params: { path: { alias }, query: { agent } } })),
    onMutate: ({ alias, agent }) => change(queries, (aliases) => withoutAgent(aliases, alias, agent)),
    onSuccess: (_, membership) => {
      toastDone(`${membership.agent} no longer stands behind ${handle(membership.alias)}.`, () => {
        add.mutate(membership);
      });
    },
    onError: (error, wanted, rollback) => {
      rollback?.();
      toastFailed(`Could not take ${wanted.agent} away from ${handle(wanted.alias)}`, error, () => {
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
