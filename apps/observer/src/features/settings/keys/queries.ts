"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { bodyOf, type Model } from "@/lib/api/client";
import { PAGE_LIMIT, readWhole } from "@/lib/api/pages";
import { useApi } from "@/lib/api/provider";
import { toastDone, toastFailed } from "@/ui/toasts";
import type { Key } from "./keys";

const KEY = ["keys"];

type Keys = { items: Key[]; next_cursor?: string | null };

/** Every client, also those that are revoked. */
export function useKeys() {
  const api = useApi();
  return useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) =>
      readWhole((cursor) =>
        bodyOf(api.GET("/v1/keys", { params: { query: { limit: PAGE_LIMIT, cursor } }, signal })),
      ),
  });
}

/** Makes a key for a program. The answer has its secret: it is forgotten as soon as nobody looks at it. */
export function useCreateKey() {
  const api = useApi();
  const queries = useQueryClient();
  return useMutation({
    gcTime: 0,
    mutationFn: (body: Model<"NewKey">) => bodyOf(api.POST("/v1/keys", { body })),
    onSettled: () => queries.invalidateQueries({ queryKey: KEY }),
  });
}

/** Gives a key a new secret; the answer is forgotten as soon as nobody looks at it. */
export function useRotateKey() {
  const api = useApi();
  return useMutation({
    gcTime: 0,
    mutationFn: ({ clientId, overlapSeconds }: { clientId: string; overlapSeconds: number }) =>
      bodyOf(
        api.POST("/v1/keys/{client_id}/rotate", {
          params: { path: { client_id: clientId } },
          body: { overlap_seconds: overlapSeconds },
        }),
      ),
  });
}

/** Ends a key at once. */
export function useRevokeKey() {
  const api = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ client_id }: Key) =>
      bodyOf(api.DELETE("/v1/keys/{client_id}", { params: { path: { client_id } } })),
    onMutate: async ({ client_id }) => {
      await queries.cancelQueries({ queryKey: KEY });
      const before = queries.getQueryData<Keys>(KEY);
      const revoked_at = new Date().toISOString();
      queries.setQueryData<Keys>(
        KEY,
        (data) =>
          data && {
            ...data,
            items: data.items.map((key) => (key.client_id === client_id ? { ...key, revoked_at } : key)),
          },
      );
      return before;
    },
    onSuccess: (_, { name }) => {
      toastDone(`The key ${name} is revoked.`);
    },
    onError: (error, { name }, before) => {
      queries.setQueryData(KEY, before);
      toastFailed(`Could not revoke the key ${name}`, error);
    },
    onSettled: () => queries.invalidateQueries({ queryKey: KEY }),
  });
}
