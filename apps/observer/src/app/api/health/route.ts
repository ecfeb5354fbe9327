export const dynamic = "force-dynamic";

/** Whether this process serves. It says nothing of Nexus: a restart of Observer would not help that. */
export function GET(): Response {
  return Response.json({ status: "ok" }, { headers: { "Cache-Control": "no-store" } });
}
