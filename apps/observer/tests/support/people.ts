import { http, HttpResponse, type HttpHandler } from "msw";
import type { Model } from "@/lib/api/client";
import type { Role } from "@/lib/roles";
import { ORIGIN } from "./render";

const SCOPES: Record<Role, Model<"MeResource">["scopes"]> = {
  viewer: ["admin:read"],
  operator: ["admin:read", "admin:operate"],
  admin: ["admin:read", "admin:operate", "admin:write"],
};

/** Nexus says that the signed-in person has this role. */
export function signedInAs(role: Role): HttpHandler {
  const email = `${role}@local.test`;
  const tenant = { id: "t", name: "local" };
  const me: Model<"MeResource"> = { actor: email, email, role, tenant, scopes: SCOPES[role] };
  return http.get(`${ORIGIN}/api/nexus/v1/me`, () => HttpResponse.json(me));
}
