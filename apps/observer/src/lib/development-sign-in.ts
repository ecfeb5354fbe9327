import "server-only";

import Credentials from "next-auth/providers/credentials";
import type { Role } from "./roles";

/** The check of a production build looks for this word. */
export const DEVELOPMENT_SIGN_IN = "oblivion-development-sign-in";

const PEOPLE: Record<Role, { name: string; email: string }> = {
  admin: { name: "Local admin", email: "admin@local.test" },
  operator: { name: "Local operator", email: "operator@local.test" },
  viewer: { name: "Local viewer", email: "viewer@local.test" },
};

/** Signs in without a password as one of three people: in builds for one machine only. */
export const developmentSignIn = Credentials({
  id: DEVELOPMENT_SIGN_IN,
  name: "Development",
  credentials: { role: {} },
  authorize: ({ role }) => {
    const person = role === "admin" || role === "operator" || role === "viewer" ? PEOPLE[role] : undefined;
    return person === undefined ? null : { id: person.email, ...person };
  },
});
