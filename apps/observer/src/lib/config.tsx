"use client";

import { createContext, use, type ReactNode } from "react";

/** What the server tells the page about this installation. Nothing secret. */
export interface Config {
  /** Where traces are seen, with `{trace_id}` in it; null where they are not kept. */
  traceUrl: string | null;
  /** Where agents and programs reach Nexus. */
  nexusUrl: string;
  /** Whether this is a build for one machine. */
  isLocal: boolean;
}

const ConfigContext = createContext<Config>({ traceUrl: null, nexusUrl: "", isLocal: false });

export function ConfigProvider({ config, children }: { config: Config; children: ReactNode }) {
  return <ConfigContext value={config}>{children}</ConfigContext>;
}

export function useConfig(): Config {
  return use(ConfigContext);
}

/** The address of a trace, when there is one to show. */
export function useTraceUrl(traceId: string | null | undefined): string | null {
  const { traceUrl } = useConfig();
  if (traceUrl === null || !traceId) return null;
  return traceUrl.replace("{trace_id}", encodeURIComponent(traceId));
}
