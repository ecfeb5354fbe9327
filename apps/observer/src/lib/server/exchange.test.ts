// @vitest-environment node
import { beforeEach, expect, test } from "vitest";
import { ExchangeRefused, TokenExchange } from "./exchange";

let now: number;
let asked: URLSearchParams[];
let answers: (() => Response)[];
let exchange: TokenExchange;

beforeEach(() => {
  now = 0;
  asked = [];
  answers = [];
  exchange = new TokenExchange({
    tokenUrl: "http://nexus.test/auth/token",
    client: { id: "id", secret: "secret" },
    now: () => now,
    fetch: (_url, init) => {
      asked.push(init?.body as URLSearchParams);
      const answer = answers.shift() ?? (() => granted(`token ${asked.length}`));
      return Promise.resolve(answer());
    },
  });
});

function granted(token: string, expires_in = 60): Response {
  return Response.json({ access_token: token, expires_in, token_type: "Bearer" });
}

test("a token is kept for 45 seconds, even if it lasts an hour", async () => {
  answers = [() => granted("token 1", 3600)];
  await exchange.token("ann@example.test", "nexus");
  now = 44_999;
  await expect(exchange.token("ann@example.test", "nexus")).resolves.toBe("token 1");
  now = 45_000;
  await expect(exchange.token("ann@example.test", "nexus")).resolves.toBe("token 2");
});

test("a token that lasts shorter is kept shorter", async () => {
  answers = [() => granted("short", 20)];
  await exchange.token("ann@example.test", "nexus");
  now = 5000;
  await expect(exchange.token("ann@example.test", "nexus")).resolves.toBe("token 2");
});

test("a token is one person's", async () => {
  await exchange.token("ann@example.test", "nexus");
  await expect(exchange.token("bob@example.test", "nexus")).resolves.toBe("token 2");
  expect(asked.map((body) => body.get("subject_token"))).toEqual(["ann@example.test", "bob@example.test"]);
});

test("requests at the same time share one exchange", async () => {
  await Promise.all([
    exchange.token("ann@example.test", "nexus"),
    exchange.token("ann@example.test", "nexus"),
  ]);
  expect(asked).toHaveLength(1);
});

test("a ticket for the socket is never kept, and is of its own audience", async () => {
  await exchange.token("ann@example.test", "nexus:admin-socket");
  await expect(exchange.token("ann@example.test", "nexus:admin-socket")).resolves.toBe("token 2");
  expect(asked[0]?.get("audience")).toBe("nexus:admin-socket");
});

test("a refusal is not kept, and says who is no member", async () => {
  answers = [
    () => Response.json({ error: "invalid_grant", error_description: "ann is no member" }, { status: 400 }),
  ];
  const refused = exchange.token("ann@example.test", "nexus");
  await expect(refused).rejects.toThrow(ExchangeRefused);
  await expect(refused).rejects.toMatchObject({ isNotMember: true, message: "ann is no member" });
  await expect(exchange.token("ann@example.test", "nexus")).resolves.toBe("token 2");
});

test("a forgotten token is asked for again", async () => {
  await exchange.token("ann@example.test", "nexus");
  exchange.forget("ann@example.test");
  await expect(exchange.token("ann@example.test", "nexus")).resolves.toBe("token 2");
});
