import { proxyToNexus } from "@/lib/server/nexus";

export const GET = proxyToNexus;
export const POST = proxyToNexus;
export const PUT = proxyToNexus;
export const PATCH = proxyToNexus;
export const DELETE = proxyToNexus;
