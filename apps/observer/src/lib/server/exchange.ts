import "server-only";

import * as v from "valibot";

export type Audience = "nexus" | "nexus:admin-socket";

const GRANT = "urn:ietf:params:oauth:grant-type:token-exchange";
const EMAIL = "urn:oblivion:params:oauth:token-type:email";
const KEEP_MS = 45_000;
const SPARE_MS = 15_000;
const TIMEOUT_MS = 10_000;
const MAX_KEPT = 1000;

const granted = v.object({ access_token: v.string(), expires_in: v.number() });
const refused = v.object({ error: v.string(), error_description: v.nullish(v.string()) });

/** Nexus gave no token for this person, or none at all. */
export class ExchangeRefused extends Error {
  override readonly name = "ExchangeRefused";

  readonly error: string;

  constructor(error: string, description: string) {
    super(description);
    this.error = error;
  }

  /** Whether it is about the person, and not about how this Observer is set up. */
  get isNotMember(): boolean {
    return this.error === "invalid_grant";
  }
}

export interface ExchangeParts {
  tokenUrl: string;
  client: { id: string; secret: string };
  fetch: typeof fetch;
  now: () => number;
}

/**
 * Exchanges a person's e-mail address for a token of Nexus's, RFC 8693, and keeps it for a part of its life. Rights
 * that are taken away in Nexus therefore end within 45 seconds, and at once where Nexus looks them up itself.
 */
export class TokenExchange {
  readonly #kept = new Map<string, { token: Promise<string>; until: number }>();

  readonly #parts: ExchangeParts;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
  }

  /** A token to act for the person. Throws ExchangeRefused, or what `fetch` throws when Nexus is away. */
  async token(email: string, audience: Audience): Promise<string> {
    // A ticket is for one connect and must last until it is used.
    if (audience === "nexus:admin-socket") return (await this.#exchange(email, audience)).access_token;
    const found = this.#kept.get(email);
    if (found !== undefined && found.until > this.#parts.now()) return found.token;
    const entry = { until: this.#parts.now() + TIMEOUT_MS, token: Promise.resolve("") };
    entry.token = this.#exchange(email, audience).then(
      (answer) => {
        entry.until = this.#parts.now() + Math.min(answer.expires_in * 1000 - SPARE_MS, KEEP_MS);
        return answer.access_token;
      },
      (error: unknown) => {
        if (this.#kept.get(email) === entry) this.#kept.delete(email);
        throw error;
      },
    );
    this.#keep(email, entry);
    return entry.token;
  }

  /** Drops a token that Nexus did not accept. */
  forget(email: string): void {
    this.#kept.delete(email);
  }

  #keep(email: string, entry: { token: Promise<string>; until: number }): void {
    this.#kept.delete(email);
    this.#kept.set(email, entry);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }

  async #exchange(email: string, audience: Audience): Promise<v.InferOutput<typeof granted>> {
    const { tokenUrl, client } = this.#parts;
    const response = await this.#parts.fetch(tokenUrl, {
      method: "POST",
      headers: { Authorization: `Basic ${basic(client.id, client.secret)}` },
      body: new URLSearchParams({
        grant_type: GRANT,
        subject_token: email,
        subject_token_type: EMAIL,
        audience,
      }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      cache: "no-store",
    });
    const body: unknown = await response.json().catch(() => null);
    if (response.ok) return v.parse(granted, body);
    const parsed = v.safeParse(refused, body);
    const error = parsed.success ? parsed.output.error : `status ${response.status}`;
    throw new ExchangeRefused(
      error,
      (parsed.success && parsed.output.error_description) || "Nexus gave no reason.",
    );
  }
}

/** RFC 6749 §2.3.1: both are form-encoded before they are joined. */
function basic(id: string, secret: string): string {
  return Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString("base64");
}
