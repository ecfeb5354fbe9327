import { NextResponse, type NextFetchEvent, type NextRequest } from "next/server";
import { auth } from "./lib/auth";
import { returnPath, signInPath } from "./lib/return-path";
import { contentSecurityPolicy, socketOrigins, strictTransport } from "./lib/server/security";
import { keptAsItIs } from "./lib/server/session-cookie";

/** Every page: signed-out people go to the sign-in page and come back; each answer has its own script nonce. */
export async function proxy(request: NextRequest, event: NextFetchEvent) {
  // With settings that are read at each use, `auth` has the handler ready only later.
  const response = await (await guarded)(request, event as never);
  if (!(response instanceof Response)) return response;
  const answer = keptAsItIs(request.headers, response);
  const stay = strictTransport(request.nextUrl.protocol, request.headers.get("x-forwarded-proto"));
  if (stay) answer.headers.set("Strict-Transport-Security", stay);
  return answer;
}

const guarded = Promise.resolve(
  auth((request) => {
    const { pathname, search, searchParams } = request.nextUrl;
    const isLogin = pathname === "/login";
    if (!request.auth && !isLogin) return redirectTo(request.url, signInPath(`${pathname}${search}`));
    if (request.auth && isLogin && !searchParams.has("error")) {
      return redirectTo(request.url, returnPath(searchParams.get("from")));
    }
    const nonce = btoa(crypto.randomUUID());
    const policy = contentSecurityPolicy(nonce, socketOrigins(), process.env.NODE_ENV === "development");
    const headers = new Headers(request.headers);
    headers.set("x-nonce", nonce);
    headers.set("Content-Security-Policy", policy);
    const response = NextResponse.next({ request: { headers } });
    response.headers.set("Content-Security-Policy", policy);
    return response;
  }),
);

function redirectTo(from: string, path: string): NextResponse {
  return NextResponse.redirect(new URL(path, from));
}

export const config = {
  // API routes answer 401 themselves; files of the build are for everybody.
  matcher: ["/((?!api/|_next/|icon.svg|favicon.ico).*)"],
};
