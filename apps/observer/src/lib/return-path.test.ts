// @vitest-environment node
import { expect, test } from "vitest";
import { returnPath, signInPath } from "./return-path";

test("a path of this site is kept whole", () => {
  expect(returnPath("/tasks?task=1&q=a#x")).toBe("/tasks?task=1&q=a#x");
});

test.each([
  undefined,
  "",
  "https://evil.test/",
  "//evil.test",
  "/\\evil.test",
  "javascript:alert(1)",
  "/login?from=/x",
  "/\t/evil.test",
])("%s becomes the overview", (wanted) => {
  expect(returnPath(wanted)).toBe("/overview");
});

test("the sign-in page leads back", () => {
  expect(signInPath("/tasks?task=1")).toBe("/login?from=%2Ftasks%3Ftask%3D1");
});
