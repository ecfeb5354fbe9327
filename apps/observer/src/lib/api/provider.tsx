"use client";

import {
  MutationCache,
  QueryCache,
  QueryClient,
  QueryClientProvider,
  keepPreviousData,
} from "@tanstack/react-query";
import { createContext, use, useState, type ReactNode } from "react";
import { createNexusClient, type NexusClient } from "./client";
import { noteOutcome } from "./health";
import { asApiError } from "./problem";

const MAX_RETRIES = 2;
const STALE_MS = 10_000;

/** Whether a failed read is tried again: only when the same question may go well. */
export function shouldRetry(failures: number, error: unknown): boolean {
  return failures < MAX_RETRIES && asApiError(error).isTemporary;
}

/** Reads keep their old rows while they are read anew; failures of all of them tell how Nexus is. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        noteOutcome(asApiError(error));
      },
      onSuccess: () => {
        noteOutcome(null);
      },
    }),
    mutationCache: new MutationCache({
      onError: (error) => {
        noteOutcome(asApiError(error));
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: STALE_MS,
        placeholderData: keepPreviousData,
        retry: shouldRetry,
        retryDelay: (failures) => Math.min(1000 * 2 ** failures, 8000),
        networkMode: "always", // Observer may be on this machine: the browser's idea of "offline" is not ours
      },
      mutations: { retry: false, networkMode: "always" },
    },
  });
}

const ClientContext = createContext<NexusClient | null>(null);

/** Gives the API client and the query cache to everything below. */
export function ApiProvider({ children, client }: { children: ReactNode; client?: NexusClient }) {
  const [queries] = useState(createQueryClient);
  const [nexus] = useState(() => client ?? createNexusClient());
  return (
    <ClientContext value={nexus}>
      <QueryClientProvider client={queries}>{children}</QueryClientProvider>
    </ClientContext>
  );
}

/** The typed client: `bodyOf(api.GET("/v1/agents"))`. */
export function useApi(): NexusClient {
  const client = use(ClientContext);
  if (client === null) throw new Error("useApi is used outside of ApiProvider");
  return client;
}
