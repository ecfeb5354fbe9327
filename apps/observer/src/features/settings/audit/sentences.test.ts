import { describe, expect, it } from "vitest";
import { placeOf, sentence, type AuditEntry } from "./sentences";

function entry(action: string, object: string, data: AuditEntry["data"] = {}): AuditEntry {
  return { id: "1", at: "2026-03-01T10:00:00Z", actor: "ann@example.com", action, object, data };
}

describe("the audit log", () => {
  it.each([
    [entry("agent.mute", "mira", { reason: "repeats itself" }), "muted mira: repeats itself"],
    [entry("alias.remove", "AI_Squad", { agent: null }), "removed @AI_Squad"],
    [entry("alias.remove", "AI_Squad", { agent: "mira" }), "took mira away from @AI_Squad"],
    [
      entry("member.change", "bob@x.y", { role: "admin", before: "viewer" }),
      "made bob@x.y admin instead of viewer",
    ],
    [entry("connection.connect", "clickup", { workspace: "9" }), "connected ClickUp, workspace 9"],
    [entry("agent.create", "mira", { aliases: ["a", "b"] }), "created the agent mira behind @a, @b"],
    [entry("task.reassign", "t1", { to: null }), "gave a task back to the squad"],
  ])("tells %j as a sentence", (given, words) => {
    expect(sentence(given)).toBe(words);
  });

  it("tells an act that it does not know as it was written down", () => {
    expect(sentence(entry("planet.move", "mars"))).toBe("planet.move mars");
  });

  it("takes data of another shape without complaint", () => {
    expect(sentence(entry("mapping.link", "L1", { channel: { odd: true } }))).toBe(
      "linked list L1 to channel ",
    );
  });

  it("leads to where the object is, with what was written there made harmless", () => {
    expect(placeOf(entry("agent.mute", "a&b=c"))).toBe("/agents?agent=a%26b%3Dc");
    expect(placeOf(entry("planet.move", "mars"))).toBeNull();
  });
});
