// @vitest-environment node
import { expect, test } from "vitest";
import { contentSecurityPolicy } from "./security";

test("scripts need the nonce of their page, and nothing is evaluated", () => {
  const policy = contentSecurityPolicy("abc", ["wss://nexus.test"], false);
  expect(policy).toContain("script-src 'nonce-abc' 'strict-dynamic';");
  expect(policy).not.toContain("unsafe-eval");
  expect(policy).toContain("connect-src 'self' wss://nexus.test;");
  expect(policy).toContain("frame-ancestors 'none'");
});
