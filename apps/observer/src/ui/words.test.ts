import { describe, expect, it } from "vitest";
import { counted, percent, toolName } from "./words";

describe("words for people", () => {
  it("counts one thing and many", () => {
    expect(counted(1, "message")).toBe("1 message");
    expect(counted(1204, "message")).toBe("1,204 messages");
    expect(counted(0, "reply", "replies")).toBe("0 replies");
  });

  it("says small shares without pretending that they are none", () => {
    expect(percent(0)).toBe("0 %");
    expect(percent(0.0004)).toBe("< 0.1 %");
    expect(percent(0.0421)).toBe("4.2 %");
    expect(percent(0.05)).toBe("5 %");
    expect(percent(0.366)).toBe("37 %");
    expect(percent(1)).toBe("100 %");
  });

  it("spells the tools that it knows, and gives others a capital", () => {
    expect(toolName("clickup")).toBe("ClickUp");
    expect(toolName("jira")).toBe("Jira");
  });
});
