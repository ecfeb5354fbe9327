import { describe, expect, it } from "vitest";
import { doneCount, isSetUp, isUntouched, nextStep, type FirstRun } from "./steps";

const nothing: FirstRun = {
  clickup: false,
  slack: false,
  mapping: false,
  agent: false,
  agent_online: false,
  mirrored: false,
  mirrored_task_id: null,
};
const everything: FirstRun = {
  clickup: true,
  slack: true,
  mapping: true,
  agent: true,
  agent_online: true,
  mirrored: true,
  mirrored_task_id: "t1",
};

describe("the way to the first task", () => {
  it("begins with ClickUp", () => {
    expect(nextStep(nothing)).toBe("clickup");
    expect([isUntouched(nothing), isSetUp(nothing), doneCount(nothing)]).toEqual([true, false, 0]);
  });

  it("goes on with what is missing, in whatever order things were done", () => {
    const some = { ...nothing, clickup: true, agent: true };
    expect(nextStep(some)).toBe("slack");
    expect([isUntouched(some), doneCount(some)]).toEqual([false, 2]);
  });

  it("ends with a mirrored task", () => {
    expect(nextStep(everything)).toBeNull();
    expect([isSetUp(everything), doneCount(everything)]).toEqual([true, 6]);
  });

  it("is not begun anew because an agent went home", () => {
    expect(isSetUp({ ...everything, agent_online: false })).toBe(true);
    expect(isSetUp({ ...everything, slack: false })).toBe(false);
  });
});
