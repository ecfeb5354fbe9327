import type { Socket } from "socket.io-client";
import type { Ticket } from "@/lib/live/frames";

type Listener = (...args: unknown[]) => void;

/** One connection as the page's code sees it; the test plays Nexus. */
export class FakeConnection {
  readonly sent: { name: string; body: unknown }[] = [];
  answer: (name: string, body: unknown) => unknown = () => ({ ok: true, cursor: "c0" });
  isOpen = true;
  readonly #listeners = new Map<string, Listener>();
  readonly ticket: Ticket;

  constructor(ticket: Ticket) {
    this.ticket = ticket;
  }

  /** Something arrives at the page. */
  says(name: string, ...args: unknown[]): void {
    this.#listeners.get(name)?.(...args);
  }

  on(name: string, listener: Listener): this {
    this.#listeners.set(name, listener);
    return this;
  }

  timeout(): this {
    return this;
  }

  emitWithAck(name: string, body: unknown): Promise<unknown> {
    this.sent.push({ name, body });
    return Promise.resolve(this.answer(name, body));
  }

  connect(): void {
    return;
  }

  disconnect(): void {
    this.isOpen = false;
  }

  removeAllListeners(): void {
    this.#listeners.clear();
  }
}

/** All connections that a page opens, in order. */
export class FakeNexus {
  readonly connections: FakeConnection[] = [];
  tickets = 0;

  readonly fetchTicket = (): Promise<Ticket> => {
    this.tickets += 1;
    return Promise.resolve({ url: "http://nexus.test", token: `ticket ${this.tickets}` });
  };

  readonly open = (ticket: Ticket): Socket => {
    const connection = new FakeConnection(ticket);
    this.connections.push(connection);
    return connection as unknown as Socket;
  };

  get latest(): FakeConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error("Nobody has connected.");
    return connection;
  }
}
