import { describe, expect, it } from "vitest";
import {
  credentialsOf,
  enteredProblems,
  verdict,
  withAddresses,
  type Check,
  type Integration,
} from "./connecting";

const INTEGRATION: Integration = {
  vendor: "clickup",
  role: "tracker",
  title: "ClickUp",
  summary: "",
  steps: [],
  docs_url: "https://example.com",
  manifest: null,
  fields: [
    { name: "token", label: "API token", secret: true, required: true, help: "", placeholder: "" },
    { name: "team_id", label: "Workspace ID", secret: false, required: false, help: "", placeholder: "" },
  ],
};

function check(state: Check["state"]): Check {
  return { name: state, state, detail: "" };
}

describe("connecting", () => {
  it("misses what is required, and space alone does not count", () => {
    expect(enteredProblems(INTEGRATION, { token: "  " })).toEqual({ token: "API token is needed." });
    expect(enteredProblems(INTEGRATION, { token: "pk_1" })).toEqual({});
  });

  it("sends what was entered, without what was pasted around it, and nothing that was not asked for", () => {
    expect(credentialsOf(INTEGRATION, { token: " pk_1\n", team_id: "", other: "x" })).toEqual({
      token: "pk_1",
    });
  });

  it("gives the worst of all checks as the verdict", () => {
    expect(verdict([check("ok"), check("ok")]).tone).toBe("ok");
    expect(verdict([check("ok"), check("warning")])).toMatchObject({ tone: "waiting" });
    expect(verdict([check("warning"), check("failed"), check("failed")])).toMatchObject({
      tone: "failed",
      words: "2 checks failed. What to do stands below.",
    });
  });

  it("finds the addresses in a sentence, and only secure ones", () => {
    expect(
      withAddresses("Open https://api.slack.com/apps, then http://x.y and javascript:alert(1)."),
    ).toEqual([
      { text: "Open ", isAddress: false },
      { text: "https://api.slack.com/apps", isAddress: true },
      { text: ", then http://x.y and javascript:alert(1).", isAddress: false },
    ]);
  });
});
