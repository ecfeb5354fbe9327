"use server";

import { AuthError } from "next-auth";
import { redirect } from "next/navigation";
import { signIn, signInOptions, signOut } from "../auth";
import { returnPath } from "../return-path";

/** Begins a sign-in at a provider. */
export async function signInWith(provider: string, from: string): Promise<void> {
  const known = signInOptions().find(({ id }) => id === provider);
  if (known === undefined) redirect("/login?error=Configuration");
  await signIn(known.id, { redirectTo: returnPath(from) });
}

/** Signs in on a local build. In a production build there is nothing behind it. */
export async function signInAsDeveloper(role: string, from: string): Promise<void> {
  if (process.env.OBSERVER_BUILD === "local") {
    const { DEVELOPMENT_SIGN_IN } = await import("../development-sign-in");
    try {
      await signIn(DEVELOPMENT_SIGN_IN, { role, redirectTo: returnPath(from) });
    } catch (error) {
      if (error instanceof AuthError) redirect("/login?error=AccessDenied");
      throw error; // that is how `signIn` redirects
    }
  }
}

/** Ends the session of this browser. */
export async function endSession(): Promise<void> {
  await signOut({ redirectTo: "/login" });
}
