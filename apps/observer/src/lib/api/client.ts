import createClient, { type Middleware } from "openapi-fetch";
import { problemOf } from "./problem";
import type { components, paths } from "./schema.gen";

/** The models of Nexus's API by name: `Model<"TaskResource">`. */
export type Model<Name extends keyof components["schemas"]> = components["schemas"][Name];

const refuse: Middleware = {
  /** What is not a 2xx is thrown, so that every query and mutation fails with an ApiError. */
  async onResponse({ response }) {
    if (!response.ok) throw await problemOf(response);
  },
};

/**
 * A typed client for Nexus through Observer's own server. `GET`, `POST`, … throw an ApiError for a problem and a
 * TypeError when there is no answer; give both to `asApiError`.
 *
 * `origin` makes its addresses absolute, as they must be outside of a browser.
 */
export function createNexusClient(origin = "") {
  const client = createClient<paths>({
    baseUrl: `${origin}/api/nexus`,
    // Looked up at each call, as tests replace it.
    fetch: (request) => globalThis.fetch(request),
  });
  client.use(refuse);
  return client;
}

export type NexusClient = ReturnType<typeof createNexusClient>;

/** The body of an answer. A problem has been thrown before; what is left without a body is a 204. */
export async function bodyOf<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}
