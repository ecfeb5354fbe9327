import type { Model } from "@/lib/api/client";

export type FirstRun = Model<"FirstRun">;

/** The way from nothing to the first mirrored task, in the order in which it is best gone. */
export const STEPS = ["clickup", "slack", "mapping", "agent", "agent_online", "mirrored"] as const;
export type Step = (typeof STEPS)[number];

const TITLES: Record<Step, string> = {
  clickup: "Connect ClickUp",
  slack: "Connect Slack",
  mapping: "Link a list to a channel",
  agent: "Create an agent",
  agent_online: "Start the agent",
  mirrored: "Write your first task",
};

export function stepTitle(step: Step): string {
  return TITLES[step];
}

export function isDone(step: Step, firstRun: FirstRun): boolean {
  return firstRun[step];
}

/** The first step that is not done; null when all are. */
export function nextStep(firstRun: FirstRun): Step | null {
  return STEPS.find((step) => !isDone(step, firstRun)) ?? null;
}

export function doneCount(firstRun: FirstRun): number {
  return STEPS.filter((step) => isDone(step, firstRun)).length;
}

/**
 * Whether the way has been gone: a task was mirrored, and all that it needs is still there. An agent that is away
 * just now is no matter of setting up.
 */
export function isSetUp(firstRun: FirstRun): boolean {
  return STEPS.every((step) => step === "agent_online" || isDone(step, firstRun));
}

/** Whether nothing has been done yet. */
export function isUntouched({ clickup, slack, mapping, agent }: FirstRun): boolean {
  return !clickup && !slack && !mapping && !agent;
}
