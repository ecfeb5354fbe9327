import "server-only";

import { problem } from "./problems";

const TIMEOUT_MS = 15_000;
const MAX_BODY_BYTES = 1024 * 1024;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;
const PREFIX = "/api/nexus/";
const FORBIDDEN = /[/\\%\p{Cc}]/u;

/**
 * The path at Nexus that a path here stands for; null when it stands for none: outside of `v1/`, or with a segment
 * that another server might read as more than one, or as a step up.
 */
export function nexusPath(pathname: string): string | null {
  if (!pathname.startsWith(PREFIX)) return null;
  const segments: string[] = [];
  for (const raw of pathname.slice(PREFIX.length).split("/")) {
    const segment = decoded(raw);
    if (segment === null || segment === "" || /^\.+$/.test(segment) || FORBIDDEN.test(segment)) return null;
    segments.push(encodeURIComponent(segment));
  }
  return segments[0] === "v1" && segments.length > 1 ? `/${segments.join("/")}` : null;
}

/** Whether a page of this origin asked, as far as the browser says. Other programs use Nexus's own API. */
export function isSameOrigin(request: Request): boolean {
  return request.headers.get("sec-fetch-site") === "same-origin";
}

/** The caller's request id when it is well-formed, else a new one. */
export function requestIdOf(request: Request): string {
  const given = request.headers.get("x-request-id");
  return given !== null && REQUEST_ID.test(given) ? given : crypto.randomUUID();
}

export interface ForwardParts {
  nexusUrl: string;
  token: () => Promise<string>;
  forget: () => void;
  fetch: typeof fetch;
}

/** Sends a request on to Nexus in the name of a person and gives its answer. Throws what `fetch` and `token` throw. */
export async function forward(
  request: Request,
  path: string,
  id: string,
  parts: ForwardParts,
): Promise<Response> {
  const body = await bodyOf(request);
  if (body === "too large") return problem(413, "too_large", `A body may have ${MAX_BODY_BYTES} bytes.`, id);
  const send = async () =>
    parts.fetch(`${parts.nexusUrl}${path}${new URL(request.url).search}`, {
      method: request.method,
      headers: headersFor(request, await parts.token(), id),
      body,
      redirect: "manual",
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  let answer = await send();
  if (answer.status === 401) {
    // Nothing was done: the token ended early, as after a rotation of Nexus's keys.
    parts.forget();
    answer = await send();
  }
  if (answer.status === 401 || (answer.status >= 300 && answer.status < 400)) {
    return problem(502, "nexus_refused", "Nexus does not accept this Observer's tokens; see its log.", id);
  }
  return new Response(answer.body, { status: answer.status, headers: headersBack(answer, id) });
}

async function bodyOf(request: Request): Promise<ArrayBuffer | null | "too large"> {
  if (request.method === "GET" || request.method === "HEAD") return null;
  if (Number(request.headers.get("content-length") ?? 0) > MAX_BODY_BYTES) return "too large";
  const body = await request.arrayBuffer();
  if (body.byteLength > MAX_BODY_BYTES) return "too large";
  return body.byteLength === 0 ? null : body;
}

function headersFor(request: Request, token: string, id: string): Headers {
  const headers = new Headers({
    Authorization: `Bearer ${token}`,
    "X-Request-Id": id,
    Accept: "application/json",
  });
  const type = request.headers.get("content-type");
  if (type !== null) headers.set("Content-Type", type);
  return headers;
}

function headersBack(answer: Response, id: string): Headers {
  const headers = new Headers({
    "Cache-Control": "no-store",
    "X-Request-Id": answer.headers.get("x-request-id") ?? id,
  });
  for (const name of ["content-type", "retry-after"]) {
    const value = answer.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return headers;
}

function decoded(raw: string): string | null {
  try {
    return decodeURIComponent(raw);
  } catch {
    return null;
  }
}
