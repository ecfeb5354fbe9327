import { describe, expect, it } from "vitest";
import { environment } from "./environment";

const CREDENTIALS = {
  uri: "https://nexus.example.com",
  clientId: "agt_fixer_1",
  clientSecret: "obl_sk_a-b_c",
};

describe("the environment of an agent", () => {
  it("can be pasted into a shell", () => {
    expect(environment("shell", "fixer", CREDENTIALS)).toBe(
      [
        "export OBLIVION_URI=https://nexus.example.com",
        "export AGENT_ID=agt_fixer_1",
        "export AGENT_SECRET=obl_sk_a-b_c",
      ].join("\n"),
    );
  });

  it("quotes for a shell what a shell would take apart", () => {
    const text = environment("shell", "fixer", { ...CREDENTIALS, clientSecret: "it's $HOME" });
    expect(text).toContain(`export AGENT_SECRET='it'\\''s $HOME'`);
  });

  it("can be pasted into a file of settings", () => {
    expect(environment("env", "fixer", CREDENTIALS).split("\n")[2]).toBe("AGENT_SECRET=obl_sk_a-b_c");
  });

  it("is a Secret for Kubernetes, under a name that it takes", () => {
    const text = environment("kubernetes", "Fixer_2.0", CREDENTIALS);
    expect(text).toContain("  name: oblivion-agent-fixer-2-0");
    expect(text).toContain('  AGENT_SECRET: "obl_sk_a-b_c"');
  });
});
