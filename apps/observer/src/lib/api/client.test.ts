// @vitest-environment node
import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { bodyOf, createNexusClient } from "./client";

const ORIGIN = "http://observer.test";
const server = setupServer();
const api = createNexusClient(ORIGIN);

beforeAll(() => {
  server.listen({ onUnhandledRequest: "error" });
});
afterEach(() => {
  server.resetHandlers();
});
afterAll(() => {
  server.close();
});

test("a good answer gives its body", async () => {
  server.use(
    http.get(`${ORIGIN}/api/nexus/v1/aliases`, () => HttpResponse.json({ items: [], next_cursor: null })),
  );
  await expect(bodyOf(api.GET("/v1/aliases"))).resolves.toEqual({ items: [], next_cursor: null });
});

test("a problem is thrown as an error with its code", async () => {
  const problem = {
    title: "Conflict",
    status: 409,
    code: "last_admin",
    detail: "Somebody must stay.",
    request_id: "r",
  };
  server.use(
    http.delete(`${ORIGIN}/api/nexus/v1/members/:email`, () => HttpResponse.json(problem, { status: 409 })),
  );
  const removal = bodyOf(api.DELETE("/v1/members/{email}", { params: { path: { email: "a@b.test" } } }));
  await expect(removal).rejects.toMatchObject({ name: "ApiError", code: "last_admin", requestId: "r" });
});
