import "server-only";

import { auth } from "../auth";
import { NEXUS_AWAY, NOT_MEMBER, SIGNED_OUT } from "../api/problem";
import { ExchangeRefused, TokenExchange } from "./exchange";
import { forward, isSameOrigin, nexusPath, requestIdOf } from "./forward";
import { problem } from "./problems";
import { SettingsError, nexusPublicUrl, nexusUrl, observerClient } from "./settings";

let shared: TokenExchange | null = null;

/** One for the process, so that its tokens are shared by all requests; made at the first, when settings are known. */
function exchange(): TokenExchange {
  shared ??= new TokenExchange({
    tokenUrl: `${nexusUrl()}/auth/token`,
    client: observerClient(),
    fetch: (...args) => fetch(...args),
    now: Date.now,
  });
  return shared;
}

/** `/api/nexus/…`: the signed-in person's request, sent on with a token that the browser never sees. */
export function proxyToNexus(request: Request): Promise<Response> {
  return answering(request, async (email, requestId) => {
    const path = nexusPath(new URL(request.url).pathname);
    if (path === null) return problem(404, "not_found", "There is no such path of Nexus's API.", requestId);
    return forward(request, path, requestId, {
      nexusUrl: nexusUrl(),
      token: () => exchange().token(email, "nexus"),
      forget: () => {
        exchange().forget(email);
      },
      fetch: (...args) => fetch(...args),
    });
  });
}

/** `/api/socket-ticket`: where the live events are, and a ticket for one connect. */
export function giveTicket(request: Request): Promise<Response> {
  return answering(request, async (email) => {
    const token = await exchange().token(email, "nexus:admin-socket");
    return Response.json({ url: nexusPublicUrl(), token }, { headers: { "Cache-Control": "no-store" } });
  });
}

type Answer = (email: string, requestId: string) => Promise<Response>;

async function answering(request: Request, answer: Answer): Promise<Response> {
  const requestId = requestIdOf(request);
  if (request.method !== "GET" && !isSameOrigin(request)) {
    return problem(403, "cross_origin", "Changes are made from Observer's own pages.", requestId);
  }
  const email = (await auth())?.user?.email;
  if (!email) return problem(401, SIGNED_OUT, "Your session ended. Sign in again.", requestId);
  try {
    return await answer(email.toLowerCase(), requestId);
  } catch (error) {
    return refusal(error, requestId);
  }
}

function refusal(error: unknown, requestId: string): Response {
  if (error instanceof ExchangeRefused && error.isNotMember) {
    return problem(403, NOT_MEMBER, error.message, requestId);
  }
  console.error(JSON.stringify({ event: "nexus.failed", request_id: requestId, error: String(error) }));
  if (error instanceof ExchangeRefused) {
    const status = error.error === "temporarily_unavailable" ? 503 : 502;
    const code = status === 503 ? NEXUS_AWAY : "nexus_refused";
    return problem(
      status,
      code,
      "Nexus does not accept this Observer at the moment; see its log.",
      requestId,
    );
  }
  if (error instanceof SettingsError) {
    return problem(500, "misconfigured", "Observer lacks a setting; see its log.", requestId);
  }
  return problem(503, NEXUS_AWAY, "Nexus does not answer.", requestId);
}
