"use client";

import { useMutation, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { bodyOf } from "@/lib/api/client";
import { useApi } from "@/lib/api/provider";
import { mapItems } from "@/lib/live/patches";
import { toastDone, toastFailed } from "@/ui/toasts";
import { rowOf, type Row } from "./paging";
import type { Task } from "./params";

/** Stops a task for good; shown at once, taken back when Nexus refuses. */
export function useCancelTask() {
  const api = useApi();
  const queries = useQueryClient();
  const mutation = useMutation({
    mutationFn: (task: Task) =>
      bodyOf(api.POST("/v1/tasks/{task_id}/cancel", { params: { path: { task_id: task.id } } })),
    onMutate: (task) => change(queries, task, { state: "canceled", reason: null, open_question: false }),
    onSuccess: (answer, task) => {
      put(queries, task, answer);
      toastDone(`Stopped “${task.title}”.`);
    },
    onError: (error, task, rollback) => {
      rollback?.();
      toastFailed(`Could not stop “${task.title}”`, error, () => {
        mutation.mutate(task);
      });
    },
    onSettled: (_answer, _error, task) => reread(queries, task),
  });
  return mutation;
}

export interface Reassignment {
  task: Task;
  /** The agent that is to have it; null for whoever is free. */
  agent: string | null;
}

/** Takes a task from whoever has it and gives it to another; can be given back for ten seconds. */
export function useReassignTask() {
  const api = useApi();
  const queries = useQueryClient();
  const mutation = useMutation({
    mutationFn: ({ task, agent }: Reassignment) =>
      bodyOf(
        api.POST("/v1/tasks/{task_id}/reassign", { params: { path: { task_id: task.id } }, body: { agent } }),
      ),
    onMutate: ({ task }) => change(queries, task, { state: "submitted", agent: null, reason: null }),
    onSuccess: (answer, { task, agent }) => {
      put(queries, task, answer);
      const previous = task.agent;
      const undo = () => {
        mutation.mutate({ task: answer, agent: previous });
      };
      toastDone(
        `“${task.title}” goes to ${agent ?? "whoever is free"}.`,
        previous === null || previous === agent ? undefined : undo,
      );
    },
    onError: (error, wanted, rollback) => {
      rollback?.();
      toastFailed(
        `Could not give “${wanted.task.title}” to ${wanted.agent ?? "another agent"}`,
        error,
        () => {
          mutation.mutate(wanted);
        },
      );
    },
    onSettled: (_answer, _error, { task }) => reread(queries, task),
  });
  return mutation;
}

type Kept = { items: Row[] } | { pages: { items: Row[] }[] };

/** Shows a change before Nexus has answered. Returns what takes it back. */
async function change(queries: QueryClient, task: Task, to: Partial<Task>): Promise<() => void> {
  await Promise.all([
    queries.cancelQueries({ queryKey: ["tasks"] }),
    queries.cancelQueries({ queryKey: ["task", task.id], exact: true }),
  ]);
  const kept = queries.getQueriesData<Kept>({ queryKey: ["tasks"] });
  const one = queries.getQueryData<Row>(["task", task.id]);
  update(queries, task.id, (row) => ({ ...row, ...to }));
  return () => {
    for (const [key, data] of kept) queries.setQueryData(key, data);
    queries.setQueryData(["task", task.id], one);
  };
}

function put(queries: QueryClient, task: Task, answer: Task): void {
  const row = rowOf(answer, Date.now());
  update(queries, task.id, () => row);
}

function update(queries: QueryClient, id: string, to: (row: Row) => Row): void {
  const changed = (row: Row) => (row.id === id ? to(row) : row);
  queries.setQueriesData<Kept>({ queryKey: ["tasks"] }, (data) => data && mapItems(data, changed));
  queries.setQueriesData<Row>(
    { queryKey: ["task"], predicate: ({ queryKey }) => queryKey.length === 2 },
    (row) => row && changed(row),
  );
}

function reread(queries: QueryClient, task: Task): Promise<unknown> {
  return Promise.all([
    queries.invalidateQueries({ queryKey: ["tasks"] }),
    queries.invalidateQueries({ queryKey: ["task", task.id] }),
    queries.invalidateQueries({ queryKey: ["agents"] }),
  ]);
}
