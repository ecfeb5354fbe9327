import type { Model } from "@/lib/api/client";
import { counted } from "@/ui/words";

export type Connection = Model<"ConnectionResource">;
export type Integration = Model<"IntegrationResource">;
export type Check = Model<"Check">;

/** What is entered so far, by the names of an integration's fields. */
export type Entered = Record<string, string>;

/** What is wrong with what was entered, by field. */
export function enteredProblems({ fields }: Integration, entered: Entered): Entered {
  const missing = fields.filter(({ name, required }) => required && (entered[name] ?? "").trim() === "");
  return Object.fromEntries(missing.map(({ name, label }) => [name, `${label} is needed.`]));
}

/** The credentials to send: without the fields that were left empty, and without space around a pasted value. */
export function credentialsOf({ fields }: Integration, entered: Entered): Record<string, string> {
  const given = fields.map(({ name }) => [name, (entered[name] ?? "").trim()] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== ""));
}

/** What a whole test comes to. */
export interface Verdict {
  /** By the names of `stateLook`. */
  state: "ok" | "warning" | "failed";
  tone: "ok" | "waiting" | "failed";
  words: string;
}

/** The verdict on a whole test in one sentence. */
export function verdict(checks: Check[]): Verdict {
  const failed = checks.filter(({ state }) => state === "failed").length;
  const warned = checks.filter(({ state }) => state === "warning").length;
  if (failed > 0)
    return {
      state: "failed",
      tone: "failed",
      words: `${counted(failed, "check")} failed. What to do stands below.`,
    };
  if (warned > 0)
    return { state: "warning", tone: "waiting", words: `It works, with ${counted(warned, "warning")}.` };
  return { state: "ok", tone: "ok", words: "Everything works." };
}

/** A sentence in parts, with the addresses in it apart, so that they can be links. */
export function withAddresses(sentence: string): { text: string; isAddress: boolean }[] {
  return sentence
    .split(/(https:\/\/[^\s,]+[^\s,.;)])/)
    .filter((text) => text !== "")
    .map((text) => ({ text, isAddress: text.startsWith("https://") }));
}
