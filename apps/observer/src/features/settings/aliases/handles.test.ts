import { describe, expect, it } from "vitest";
import { matchingAliases, sameHandle, withAgent, withoutAgent } from "./handles";

const ALIASES = [
  { alias: "AI_Squad", agents: ["mira", "noor"] },
  { alias: "fixer", agents: ["mira"] },
];

describe("handles", () => {
  it("are the same in upper and lower case, with and without an @", () => {
    expect(sameHandle("@ai_squad", "AI_Squad")).toBe(true);
    expect(sameHandle("ai_squad", "ai-squad")).toBe(false);
  });

  it("take one more agent, once", () => {
    const added = withAgent(ALIASES, "@ai_squad", "otto");
    expect(added[0]).toEqual({ alias: "AI_Squad", agents: ["mira", "noor", "otto"] });
    expect(withAgent(added, "AI_Squad", "otto")).toBe(added);
  });

  it("come into being with their first agent, in their place", () => {
    const added = withAgent(ALIASES, "@backend", "mira");
    expect(added.map(({ alias }) => alias)).toEqual(["AI_Squad", "backend", "fixer"]);
  });

  it("are gone with their last agent", () => {
    expect(withoutAgent(ALIASES, "fixer", "mira")).toEqual([ALIASES[0]]);
    expect(withoutAgent(ALIASES, "AI_Squad", "mira")[0]?.agents).toEqual(["noor"]);
  });

  it("are found by their own name and by their agents", () => {
    expect(matchingAliases(ALIASES, "@AI")).toEqual([ALIASES[0]]);
    expect(matchingAliases(ALIASES, "noor")).toEqual([ALIASES[0]]);
    expect(matchingAliases(ALIASES, "")).toEqual(ALIASES);
  });
});
