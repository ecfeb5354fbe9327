// @vitest-environment node
import { expect, test } from "vitest";
import { permission } from "./me";

test("a viewer may do nothing, and is told who may", () => {
  const viewer = { role: "viewer" as const, scopes: ["admin:read"] };
  expect(permission(viewer, "operate")).toEqual({
    allowed: false,
    why: "Your role is viewer. Only an operator or an admin can do this.",
  });
});

test("an operator operates and does not write", () => {
  const operator = { role: "operator" as const, scopes: ["admin:read", "admin:operate"] };
  expect(permission(operator, "operate").allowed).toBe(true);
  expect(permission(operator, "write").allowed).toBe(false);
});

test("an admin does both", () => {
  const admin = { role: "admin" as const, scopes: ["admin:read", "admin:write"] };
  expect(permission(admin, "operate").allowed).toBe(true);
  expect(permission(admin, "write").allowed).toBe(true);
});
