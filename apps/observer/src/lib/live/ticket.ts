import { parse } from "valibot";
import { problemOf } from "../api/problem";
import { ticket, type Ticket } from "./frames";

/** A ticket for one connect of the socket. Throws an ApiError, or a TypeError when there is no answer. */
export async function fetchTicket(): Promise<Ticket> {
  const response = await fetch("/api/socket-ticket", { method: "POST" });
  if (!response.ok) throw await problemOf(response);
  return parse(ticket, await response.json());
}
