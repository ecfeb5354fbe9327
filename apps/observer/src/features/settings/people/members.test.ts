import { describe, expect, it } from "vitest";
import { emailProblem, whyKept, type Member } from "./members";

function member(email: string, role: Member["role"]): Member {
  return { email, role, created_at: "2026-03-01T10:00:00Z", last_seen_at: null };
}

describe("people", () => {
  it("always keep one admin", () => {
    const ann = member("ann@example.com", "admin");
    const bob = member("bob@example.com", "viewer");
    expect(whyKept([ann, bob], ann)).toContain("ann@example.com is the last admin");
    expect(whyKept([ann, bob], bob)).toBeNull();
    expect(whyKept([ann, member("cy@example.com", "admin")], ann)).toBeNull();
  });

  it.each(["ann@example.com", " Ann.B+x@sub.example.com ", "admin@local.test"])(
    "can be added as %s",
    (email) => {
      expect(emailProblem(email, [])).toBeNull();
    },
  );

  it.each(["", "ann", "ann@", "ann b@example.com", "a/b@example.com", `${"x".repeat(65)}@example.com`])(
    "cannot be added as “%s”",
    (email) => {
      expect(emailProblem(email, [])).not.toBeNull();
    },
  );

  it("are not added twice, whatever the case", () => {
    expect(emailProblem("ANN@example.com", [member("ann@example.com", "viewer")])).toContain("already");
  });
});
