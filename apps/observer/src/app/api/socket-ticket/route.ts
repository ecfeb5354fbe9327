import { giveTicket } from "@/lib/server/nexus";

export const POST = giveTicket;
