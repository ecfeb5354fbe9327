"use client";

import { useQuery } from "@tanstack/react-query";
import { bodyOf, type Model } from "./api/client";
import { useApi } from "./api/provider";

/** What an action needs: `operate` or `write`, as Nexus's routes ask for them. */
export type Need = "operate" | "write";

const SCOPES = { operate: ["admin:operate", "admin:write"], write: ["admin:write"] } as const;
const WHO = { operate: "an operator or an admin", write: "an admin" } as const;

/** The signed-in person, as Nexus knows them. */
export function useMe() {
  const api = useApi();
  return useQuery({ queryKey: ["me"], queryFn: () => bodyOf(api.GET("/v1/me")), staleTime: 60_000 });
}

/**
 * Whether to offer an action, and if not, why. A courtesy: Nexus decides. While it is not known yet who this is,
 * nothing is offered.
 */
export function usePermission(need: Need | undefined): { allowed: boolean; why: string | null } {
  const { data: me } = useMe();
  if (need === undefined) return { allowed: true, why: null };
  if (me === undefined) return { allowed: false, why: "Finding out what you may do…" };
  return permission(me, need);
}

export function permission(
  me: Pick<Model<"MeResource">, "role" | "scopes">,
  need: Need,
): { allowed: boolean; why: string | null } {
  const allowed = SCOPES[need].some((scope) => me.scopes.includes(scope));
  return allowed
    ? { allowed, why: null }
    : { allowed, why: `Your role is ${me.role}. Only ${WHO[need]} can do this.` };
}
