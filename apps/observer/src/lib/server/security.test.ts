// @vitest-environment node
import { expect, test } from "vitest";
import config from "../../../next.config";
import { contentSecurityPolicy, strictTransport } from "./security";

test("scripts need the nonce of their page, and nothing is evaluated", () => {
  const policy = contentSecurityPolicy("abc", ["wss://nexus.test"], false);
  expect(policy).toContain("script-src 'nonce-abc' 'strict-dynamic';");
  expect(policy).not.toContain("unsafe-eval");
  expect(policy).toContain("connect-src 'self' wss://nexus.test;");
  expect(policy).toContain("frame-ancestors 'none'");
});

test("no source of anything is a wildcard, and what is not named is forbidden", () => {
  const policy = contentSecurityPolicy("abc", ["wss://nexus.test"], false).split("; ");
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("base-uri 'none'");
  expect(policy).toContain("form-action 'self'");
  for (const rule of policy) expect(rule).not.toMatch(/\*|https?:(?!\/\/)|^script-src.*unsafe/);
});

test("a browser that came over HTTPS stays there", () => {
  expect(strictTransport("https:", null)).toBe("max-age=31536000");
  expect(strictTransport("http:", "https")).toBe("max-age=31536000");
  expect(strictTransport("http:", "https, http")).toBe("max-age=31536000");
  expect(strictTransport("http:", null)).toBeNull();
  expect(strictTransport("https:", "http")).toBeNull();
});

test("every answer forbids sniffing, framing, devices and openers", async () => {
  const rules = await config.headers?.();
  expect(rules).toHaveLength(1);
  expect(rules?.[0]?.source).toBe("/:path*");
  const headers = Object.fromEntries(rules?.[0]?.headers.map(({ key, value }) => [key, value]) ?? []);
  expect(headers).toMatchObject({
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
  });
  expect(headers["Permissions-Policy"]).toContain("camera=()");
});
