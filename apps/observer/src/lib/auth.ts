import "server-only";

import NextAuth, { type NextAuthConfig } from "next-auth";
import type { Provider } from "next-auth/providers";
import GitHub from "next-auth/providers/github";

const SESSION_SECONDS = 12 * 60 * 60;

/** One way to sign in, as the sign-in page shows it. */
export interface SignInOption {
  id: string;
  name: string;
}

/**
 * Who people are. What they may do is Nexus's to say, by their e-mail address: so an address counts only when the
 * provider vouches for it.
 */
export const { handlers, auth, signIn, signOut } = NextAuth(async () => config(await allProviders()));

/** The providers that this installation has, for the sign-in page. */
export function signInOptions(): SignInOption[] {
  return configured().map(({ id, name }) => ({ id, name }));
}

function config(providers: Provider[]): NextAuthConfig {
  return {
    providers,
    session: { strategy: "jwt", maxAge: SESSION_SECONDS },
    pages: { signIn: "/login", error: "/login" },
    callbacks: {
      signIn: ({ account, profile, user }) => {
        if (account?.type === "oidc") return profile?.email_verified === true;
        return Boolean(user.email); // GitHub lets people show verified addresses only
      },
      jwt: ({ token, user, trigger }) => {
        // Nothing else of the provider's is kept: the cookie is the session.
        if (trigger === undefined) return token;
        return { sub: token.sub, name: user.name, email: user.email, picture: user.image };
      },
    },
  };
}

async function allProviders(): Promise<Provider[]> {
  const providers: Provider[] = configured().map(({ provider }) => provider);
  if (process.env.OBSERVER_BUILD === "local") {
    const { developmentSignIn } = await import("./development-sign-in");
    providers.push(developmentSignIn);
  }
  return providers;
}

/** Those whose settings are there. Read at each use, as a build knows no settings. */
function configured(): (SignInOption & { provider: Provider })[] {
  const {
    AUTH_GITHUB_ID,
    AUTH_GITHUB_SECRET,
    AUTH_OIDC_ISSUER,
    AUTH_OIDC_ID,
    AUTH_OIDC_SECRET,
    AUTH_OIDC_NAME,
  } = process.env;
  const found: (SignInOption & { provider: Provider })[] = [];
  if (AUTH_GITHUB_ID && AUTH_GITHUB_SECRET) {
    const provider = GitHub({ clientId: AUTH_GITHUB_ID, clientSecret: AUTH_GITHUB_SECRET });
    found.push({ id: "github", name: "GitHub", provider });
  }
  if (AUTH_OIDC_ISSUER && AUTH_OIDC_ID && AUTH_OIDC_SECRET) {
    const name = AUTH_OIDC_NAME ?? "single sign-on";
    const provider: Provider = {
      id: "oidc",
      name,
      type: "oidc",
      issuer: AUTH_OIDC_ISSUER,
      clientId: AUTH_OIDC_ID,
      clientSecret: AUTH_OIDC_SECRET,
      checks: ["pkce", "state", "nonce"],
      authorization: { params: { scope: "openid email profile" } },
    };
    found.push({ id: "oidc", name, provider });
  }
  return found;
}
