import type { Socket } from "socket.io-client";
import { safeParse } from "valibot";
import { asApiError } from "../api/problem";
import { frames, type Frame, type FrameName, type Ticket } from "./frames";

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 15_000;
const ACK_TIMEOUT_MS = 10_000;
const HOPELESS = new Set(["unauthorized", "forbidden"]);

/** `refused`: somebody has to do something first; `reconnecting`: it goes on by itself. */
export interface LiveStatus {
  state: "connecting" | "live" | "reconnecting" | "refused";
  reason: string | null;
}

type Handler<Name extends FrameName> = (frame: Frame<Name>) => void;
type Handlers = { [Name in FrameName]: Set<Handler<Name>> };

/** What a socket needs of the world; tests give their own. */
export interface SocketParts {
  /** Asks for a ticket; it is good for one connect, so that each connect needs a new one. */
  fetchTicket: () => Promise<Ticket>;
  open?: (ticket: Ticket) => Socket | Promise<Socket>;
  random?: () => number;
}

/**
 * The connection to Nexus's namespace `/admin`. It connects anew by itself, each time with a new ticket, until
 * `stop`. Socket.IO's own reconnection is off: it would send the old ticket.
 */
export class AdminSocket {
  /** When anything arrived last, in milliseconds; null before. */
  lastEventAt: number | null = null;

  readonly #parts: SocketParts;
  #status: LiveStatus = { state: "connecting", reason: null };
  #socket: Socket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;
  #generation = 0;
  #pauseMs = 0;
  readonly #watchers = new Set<() => void>();
  readonly #handlers: Handlers = {
    feed: new Set(),
    presence: new Set(),
    task: new Set(),
    stats: new Set(),
    "auth.refresh": new Set(),
    "server.draining": new Set(),
  };

  constructor(parts: SocketParts) {
    this.#parts = parts;
    this.on("auth.refresh", () => void this.#refresh());
    this.on("server.draining", (frame) => {
      this.#pauseMs = frame.reconnect_after_seconds * 1000;
    });
  }

  get status(): LiveStatus {
    return this.#status;
  }

  /** Calls back whenever `status` changes. Returns what ends that. */
  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  /** Hears one kind of frame, parsed. Returns what ends that. */
  on<Name extends FrameName>(name: Name, handler: Handler<Name>): () => void {
    this.#handlers[name].add(handler);
    return () => this.#handlers[name].delete(handler);
  }

  /** Connects now, whatever it was waiting for. */
  readonly start = (): void => {
    this.#close();
    this.#set({ state: this.#attempts === 0 ? "connecting" : "reconnecting", reason: this.#status.reason });
    void this.#connect(this.#generation);
  };

  stop(): void {
    this.#close();
    this.#attempts = 0;
    this.#status = { state: "connecting", reason: null };
  }

  /** Sends a command and gives its answer, unparsed. Rejects when there is no connection or no answer. */
  async request(name: string, body: unknown): Promise<unknown> {
    if (this.#socket === null) throw new Error("There is no connection to Nexus at the moment.");
    return (await this.#socket.timeout(ACK_TIMEOUT_MS).emitWithAck(name, body)) as unknown;
  }

  async #connect(generation: number): Promise<void> {
    let socket: Socket;
    try {
      const ticket = await this.#parts.fetchTicket();
      if (generation !== this.#generation) return;
      socket = await (this.#parts.open ?? openSocket)(ticket);
    } catch (error) {
      if (generation === this.#generation) this.#failed(asApiError(error));
      return;
    }
    if (generation !== this.#generation) return;
    this.#socket = socket;
    socket.on("connect", () => {
      this.#attempts = 0;
      this.#set({ state: "live", reason: null });
    });
    socket.on("connect_error", (error) => {
      if (HOPELESS.has(error.message)) this.#refused(refusalOf(error.message));
      else this.#again(error.message);
    });
    socket.on("disconnect", (reason) => {
      this.#again(reason);
    });
    for (const name of Object.keys(frames) as FrameName[]) {
      socket.on(name, (raw: unknown) => {
        this.#arrived(name, raw);
      });
    }
    socket.connect();
  }

  #failed(error: { status: number; message: string }): void {
    if (error.status === 401 || error.status === 403) this.#refused(error.message);
    else this.#again(error.message);
  }

  #refused(reason: string): void {
    this.#close();
    this.#set({ state: "refused", reason });
  }

  #again(reason: string): void {
    this.#close();
    const most = Math.min(BACKOFF_FIRST_MS * 2 ** this.#attempts, BACKOFF_MAX_MS);
    const waitMs = this.#pauseMs + most * (0.5 + (this.#parts.random ?? Math.random)() / 2);
    this.#pauseMs = 0;
    this.#attempts += 1;
    this.#set({ state: "reconnecting", reason });
    this.#timer = setTimeout(this.start, waitMs);
  }

  #close(): void {
    this.#generation += 1;
    clearTimeout(this.#timer);
    this.#socket?.removeAllListeners();
    this.#socket?.disconnect();
    this.#socket = null;
  }

  #arrived(name: FrameName, raw: unknown): void {
    this.lastEventAt = Date.now();
    const parsed = safeParse(frames[name], raw);
    if (!parsed.success) {
      console.warn(`A frame "${name}" of a shape that this page does not know was dropped.`);
      return;
    }
    for (const handler of this.#handlers[name] as Set<(frame: unknown) => void>) handler(parsed.output);
  }

  async #refresh(): Promise<void> {
    const generation = this.#generation;
    try {
      const { token } = await this.#parts.fetchTicket();
      if (generation === this.#generation) await this.request("auth.refresh", { token });
    } catch {
      // Nexus closes the socket at the end of its time; connecting anew then finds out what is wrong.
    }
  }

  #set(status: LiveStatus): void {
    this.#status = status;
    for (const watcher of this.#watchers) watcher();
  }
}

/** Not connected yet. The client is loaded here: no page waits for it before it shows. */
async function openSocket(ticket: Ticket): Promise<Socket> {
  const { io } = await import("socket.io-client");
  return io(`${ticket.url}/admin`, {
    transports: ["websocket"],
    auth: { token: ticket.token },
    reconnection: false,
    forceNew: true,
    autoConnect: false,
  });
}

function refusalOf(code: string): string {
  return code === "forbidden"
    ? "You may not see live events."
    : "Nexus did not accept the ticket for live events.";
}
