"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { bodyOf, type Model } from "@/lib/api/client";
import { PAGE_LIMIT } from "@/lib/api/pages";
import { useApi } from "@/lib/api/provider";
import { toastDone } from "@/ui/toasts";
import type { Connection } from "./connecting";

const KEY = ["connections"];
const REREAD_MS = 30_000;

/** The workspaces that are connected, and how each was when somebody looked last. */
export function useConnections() {
  const api = useApi();
  return useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) =>
      bodyOf(api.GET("/v1/connections", { params: { query: { limit: PAGE_LIMIT } }, signal })),
    refetchInterval: REREAD_MS,
  });
}

/** What can be connected, as each integration describes itself. */
export function useIntegrations() {
  const api = useApi();
  return useQuery({
    queryKey: ["integrations"],
    queryFn: ({ signal }) => bodyOf(api.GET("/v1/integrations", { signal })),
    staleTime: Infinity,
  });
}

/**
 * What was found at the vendor when a person tested it last, kept while the page is open. It is looked at when
 * `enabled`, and whenever `refetch` is called.
 */
export function useConnectionTest(connectionId: string, enabled = false) {
  const api = useApi();
  return useQuery({
    queryKey: ["connection-test", connectionId],
    queryFn: () =>
      bodyOf(
        api.POST("/v1/connections/{connection_id}/test", {
          params: { path: { connection_id: connectionId } },
        }),
      ),
    enabled,
    staleTime: Infinity,
    gcTime: Infinity,
    placeholderData: undefined,
    retry: false,
  });
}

/** Connects a workspace, or renews the credentials of one that is connected. */
export function useConnect() {
  const api = useApi();
  const queries = useQueryClient();
  return useMutation({
    gcTime: 0,
    mutationFn: (body: Model<"NewConnection">) => bodyOf(api.POST("/v1/connections", { body })),
    onSuccess: ({ id }) => {
      queries.removeQueries({ queryKey: ["connection-test", id] });
    },
    onSettled: () =>
      Promise.all(
        [KEY, ["overview"], ["lists"], ["channels"]].map((queryKey) =>
          queries.invalidateQueries({ queryKey }),
        ),
      ),
  });
}

/** Removes a connection. Refused with `in_use` while lists are linked over it, unless forced. */
export function useDisconnect() {
  const api = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ connection, force }: { connection: Connection; force: boolean }) =>
      bodyOf(
        api.DELETE("/v1/connections/{connection_id}", {
          params: { path: { connection_id: connection.id }, query: { force } },
        }),
      ),
    onSuccess: (_, { connection }) => {
      toastDone(`${connection.name} is removed.`);
    },
    onSettled: () =>
      Promise.all(
        [KEY, ["mappings"], ["overview"], ["lists"], ["channels"]].map((queryKey) =>
          queries.invalidateQueries({ queryKey }),
        ),
      ),
  });
}
