import { describe, expect, it } from "vitest";
import { aliasProblem, aliasesProblem, nameProblem, skillsProblem } from "./agent-form";

describe("the form of a new agent", () => {
  it.each(["fixer", "a", "Fixer_2.0-b", "x".repeat(64)])("takes %s as a name", (name) => {
    expect(nameProblem(name)).toBeNull();
  });

  it.each(["", "-fixer", "my agent", "fixer/2", "ünder", "x".repeat(65)])(
    "refuses “%s” as a name",
    (name) => {
      expect(nameProblem(name)).not.toBeNull();
    },
  );

  it("says that a name is taken before Nexus has to", () => {
    expect(nameProblem("fixer", ["fixer"])).toContain("already");
  });

  it.each(["@AI_Squad", "fixer", "équipe", "a.b-c"])("takes %s as an alias", (alias) => {
    expect(aliasProblem(alias)).toBeNull();
  });

  it.each(["", "@", "two words", "@-x", "@".concat("x".repeat(81))])("refuses “%s” as an alias", (alias) => {
    expect(aliasProblem(alias)).not.toBeNull();
  });

  it("names the one that is wrong among several", () => {
    expect(aliasesProblem(["@ok", "not ok"])).toContain("not ok");
    expect(skillsProblem(["ok", "not ok"])).toContain("not ok");
    expect(skillsProblem(["fix_bug"])).toBeNull();
  });
});
