import { describe, expect, it } from "vitest";
import { matchingKeys, scopeLabel, tokenCommand, whyNotRotated, type Key } from "./keys";

function key(name: string, parts: Partial<Key> = {}): Key {
  return {
    client_id: `adm_${name}`,
    name,
    scopes: ["admin:read"],
    kind: "admin",
    created_at: "2026-03-01T10:00:00Z",
    last_used_at: null,
    revoked_at: null,
    ...parts,
  };
}

describe("keys", () => {
  it("say the strongest thing that they allow", () => {
    expect(scopeLabel(key("a", { scopes: ["admin:write", "admin:read"] }))).toBe("Administer");
    expect(scopeLabel(key("a"))).toBe("Read");
    expect(scopeLabel(key("a", { kind: "agent", scopes: ["agent"] }))).toBe("Work as an agent");
  });

  it("of the dashboard are not rotated here, with the reason", () => {
    expect(whyNotRotated(key("a", { kind: "observer" }))).toContain("oblivion observer create");
    expect(whyNotRotated(key("a"))).toBeNull();
  });

  it("that are revoked are shown when asked for", () => {
    const keys = [key("report"), key("old", { revoked_at: "2026-03-02T10:00:00Z" })];
    expect(matchingKeys(keys, "", false)).toEqual([keys[0]]);
    expect(matchingKeys(keys, "", true)).toEqual(keys);
    expect(matchingKeys(keys, "REP", true)).toEqual([keys[0]]);
  });

  it("are used with a command that can be pasted", () => {
    expect(tokenCommand("https://nexus.example.com", "adm_x", "obl_sk_y")).toBe(
      "curl -s https://nexus.example.com/auth/token \\\n  -u 'adm_x:obl_sk_y' \\\n  -d grant_type=client_credentials",
    );
  });
});
