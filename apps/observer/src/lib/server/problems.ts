import "server-only";

import { STATUS_CODES } from "node:http";

/** An answer of Observer's own server in the shape of Nexus's: RFC 9457. */
export function problem(status: number, code: string, detail: string, requestId: string): Response {
  const title = STATUS_CODES[status] ?? "Error";
  return Response.json(
    { type: "about:blank", title, status, code, detail, request_id: requestId },
    {
      status,
      headers: {
        "Content-Type": "application/problem+json",
        "Cache-Control": "no-store",
        "X-Request-Id": requestId,
      },
    },
  );
}
