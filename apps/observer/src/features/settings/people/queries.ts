"use client";

import { useMutation, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { bodyOf } from "@/lib/api/client";
import { PAGE_LIMIT, readWhole } from "@/lib/api/pages";
import { useApi } from "@/lib/api/provider";
import type { Role } from "@/lib/roles";
import { toastDone, toastFailed } from "@/ui/toasts";
import type { Member } from "./members";

const KEY = ["members"];

type Members = { items: Member[]; next_cursor?: string | null };

/** Everybody who may use the dashboard. */
export function useMembers() {
  const api = useApi();
  return useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) =>
      readWhole((cursor) =>
        bodyOf(api.GET("/v1/members", { params: { query: { limit: PAGE_LIMIT, cursor } }, signal })),
      ),
  });
}

/** Adds a person. */
export function useAddMember() {
  const api = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ email, role }: { email: string; role: Role }) =>
      bodyOf(api.PUT("/v1/members/{email}", { params: { path: { email } }, body: { role } })),
    onSuccess: ({ email, role }) => {
      toastDone(`${email} can sign in as ${role}.`);
    },
    onSettled: () => queries.invalidateQueries({ queryKey: KEY }),
  });
}

/** Gives a member another role; shown at once, taken back when Nexus refuses, undone with the toast. */
export function useChangeRole() {
  const api = useApi();
  const queries = useQueryClient();
  const mutation = useMutation({
    mutationFn: ({ member, role }: { member: Member; role: Role }) =>
      bodyOf(api.PUT("/v1/members/{email}", { params: { path: { email: member.email } }, body: { role } })),
    onMutate: ({ member, role }) =>
      change(queries, (members) =>
        members.map((each) => (each.email === member.email ? { ...each, role } : each)),
      ),
    onSuccess: (changed, { member }) => {
      toastDone(`${changed.email} is ${changed.role} now.`, () => {
        mutation.mutate({ member: changed, role: member.role });
      });
    },
    onError: (error, { member, role }, rollback) => {
      rollback?.();
      toastFailed(`Could not make ${member.email} ${role}`, error);
    },
    onSettled: () => reread(queries),
  });
  return mutation;
}

/** Takes a person's access away; the toast gives it back. */
export function useRemoveMember() {
  const api = useApi();
  const queries = useQueryClient();
  const restore = useMutation({
    mutationFn: ({ email, role }: Member) =>
      bodyOf(api.PUT("/v1/members/{email}", { params: { path: { email } }, body: { role } })),
    onSuccess: ({ email, role }) => {
      toastDone(`${email} is ${role} again.`);
    },
    onError: (error, { email }) => {
      toastFailed(`Could not add ${email} again`, error);
    },
    onSettled: () => reread(queries),
  });
  return useMutation({
    mutationFn: ({ email }: Member) =>
      bodyOf(api.DELETE("/v1/members/{email}", { params: { path: { email } } })),
    onMutate: ({ email }) => change(queries, (members) => members.filter((each) => each.email !== email)),
    onSuccess: (_, member) => {
      toastDone(`${member.email} can no longer use Oblivion.`, () => {
        restore.mutate(member);
      });
    },
    onError: (error, { email }, rollback) => {
      rollback?.();
      toastFailed(`Could not remove ${email}`, error);
    },
    onSettled: () => reread(queries),
  });
}

async function change(queries: QueryClient, to: (members: Member[]) => Member[]): Promise<() => void> {
  await queries.cancelQueries({ queryKey: KEY });
  const before = queries.getQueryData<Members>(KEY);
  queries.setQueryData<Members>(KEY, (data) => data && { ...data, items: to(data.items) });
  return () => {
    queries.setQueryData(KEY, before);
  };
}

/** A role that one took from oneself counts at once, too. */
async function reread(queries: QueryClient): Promise<void> {
  await Promise.all([
    queries.invalidateQueries({ queryKey: KEY }),
    queries.invalidateQueries({ queryKey: ["me"] }),
  ]);
}
