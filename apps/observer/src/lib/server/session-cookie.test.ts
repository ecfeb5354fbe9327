// @vitest-environment node
import { expect, test } from "vitest";
import { keptAsItIs } from "./session-cookie";

const COOKIES = [
  "authjs.session-token=prolonged; Path=/; HttpOnly",
  "__Secure-authjs.session-token.1=prolonged; Path=/",
  "authjs.callback-url=%2F",
];

function cookiesAfter(dest: string | null): string[] {
  const answer = new Response();
  for (const cookie of COOKIES) answer.headers.append("set-cookie", cookie);
  return keptAsItIs(
    new Headers(dest === null ? {} : { "sec-fetch-dest": dest }),
    answer,
  ).headers.getSetCookie();
}

test("the loading of a page prolongs the session", () => {
  expect(cookiesAfter("document")).toEqual(COOKIES);
});

test.each(["empty", "script", null])("what a page fetches by itself (%s) does not", (dest) => {
  expect(cookiesAfter(dest)).toEqual(["authjs.callback-url=%2F"]);
});
