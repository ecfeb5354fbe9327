// @vitest-environment node
import { describe, expect, test, vi } from "vitest";
import { forward, isSameOrigin, nexusPath, requestIdOf } from "./forward";

describe("a path of Nexus", () => {
  test.each([
    ["/api/nexus/v1/agents", "/v1/agents"],
    ["/api/nexus/v1/members/ann%40example.test", "/v1/members/ann%40example.test"],
    ["/api/nexus/v1/members/ann+x@example.test", "/v1/members/ann%2Bx%40example.test"],
    ["/api/nexus/v1/aliases/AI_Squad", "/v1/aliases/AI_Squad"],
  ])("%s is sent on as %s", (path, sent) => {
    expect(nexusPath(path)).toBe(sent);
  });

  test.each([
    ["another door of Nexus", "/api/nexus/auth/token"],
    ["the metrics", "/api/nexus/metrics"],
    ["nothing behind v1", "/api/nexus/v1"],
    ["a segment up", "/api/nexus/v1/../auth/token"],
    ["a segment up, encoded", "/api/nexus/v1/%2e%2e/auth/token"],
    ["a segment up, half encoded", "/api/nexus/v1/.%2E/auth/token"],
    ["a segment that stays", "/api/nexus/v1/./agents"],
    ["an encoded slash", "/api/nexus/v1/agents%2F..%2F..%2Fauth"],
    ["an encoded backslash", "/api/nexus/v1/agents%5C.."],
    ["a doubly encoded slash", "/api/nexus/v1/agents%252Fx"],
    ["an empty segment", "/api/nexus/v1//agents"],
    ["a slash at the end", "/api/nexus/v1/agents/"],
    ["a control character", "/api/nexus/v1/agents%0d%0ax"],
    ["a NUL", "/api/nexus/v1/agents%00"],
    ["a broken encoding", "/api/nexus/v1/agents%zz"],
    ["another prefix", "/api/other/v1/agents"],
  ])("%s is none", (_what, path) => {
    expect(nexusPath(path)).toBeNull();
  });
});

describe("a request", () => {
  test.each([
    ["same-origin", true],
    ["same-site", false],
    ["cross-site", false],
    ["none", false],
  ])("whose sec-fetch-site is %s is of this origin: %s", (site, expected) => {
    const request = new Request("http://o.test", { headers: { "sec-fetch-site": site } });
    expect(isSameOrigin(request)).toBe(expected);
  });

  test("without sec-fetch-site is not of this origin", () => {
    expect(isSameOrigin(new Request("http://o.test"))).toBe(false);
  });

  test("keeps its request id when it is well-formed, and gets a new one otherwise", () => {
    expect(requestIdOf(new Request("http://o.test", { headers: { "x-request-id": "abc-1" } }))).toBe("abc-1");
    expect(requestIdOf(new Request("http://o.test", { headers: { "x-request-id": "a b" } }))).toMatch(
      /^[0-9a-f-]{36}$/,
    );
  });
});

describe("sending on", () => {
  function parts(...statuses: number[]) {
    const nexus = vi.fn<typeof fetch>();
    for (const status of statuses) {
      nexus.mockResolvedValueOnce(
        new Response("{}", { status, headers: { "set-cookie": "a=b", "x-request-id": "n" } }),
      );
    }
    const token = vi.fn(() => Promise.resolve("token"));
    return { nexusUrl: "http://nexus.test", token, forget: vi.fn(), fetch: nexus };
  }

  test("takes the token and the request id along, and none of the person's cookies or headers", async () => {
    const given = parts(200);
    const request = new Request("http://o.test/api/nexus/v1/tasks?q=a%20b", {
      headers: { cookie: "session=secret", "x-forwarded-for": "1.2.3.4", authorization: "Bearer forged" },
    });
    const answer = await forward(request, "/v1/tasks", "r-1", given);
    const [url, init] = given.fetch.mock.calls[0] ?? [];
    expect(url).toBe("http://nexus.test/v1/tasks?q=a%20b");
    expect(Object.fromEntries(new Headers(init?.headers))).toEqual({
      accept: "application/json",
      authorization: "Bearer token",
      "x-request-id": "r-1",
    });
    expect(answer.headers.get("set-cookie")).toBeNull();
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  test("asks for a new token once when Nexus does not accept the kept one", async () => {
    const given = parts(401, 200);
    const answer = await forward(new Request("http://o.test/x"), "/v1/tasks", "r-1", given);
    expect(answer.status).toBe(200);
    expect(given.forget).toHaveBeenCalledOnce();
  });

  test("never shows Nexus's 401 as the end of the person's session", async () => {
    const answer = await forward(new Request("http://o.test/x"), "/v1/tasks", "r-1", parts(401, 401));
    expect(answer.status).toBe(502);
  });

  test("does not follow a redirect with the token", async () => {
    const given = parts(302);
    const answer = await forward(new Request("http://o.test/x"), "/v1/tasks", "r-1", given);
    expect(given.fetch.mock.calls[0]?.[1]?.redirect).toBe("manual");
    expect(answer.status).toBe(502);
  });

  test("refuses a body that is larger than Nexus reads", async () => {
    const request = new Request("http://o.test/x", { method: "POST", body: "x".repeat(1024 * 1024 + 1) });
    const given = parts(200);
    expect((await forward(request, "/v1/tasks", "r-1", given)).status).toBe(413);
    expect(given.fetch).not.toHaveBeenCalled();
  });
});
