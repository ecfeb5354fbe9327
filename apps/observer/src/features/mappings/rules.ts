import type { Mapping } from "./boardModel";

export type SyncRule = Mapping["sync_rule"];

/** What a new link has until somebody changes it. */
export const DEFAULT_RULE: SyncRule = "keyword";
export const DEFAULT_KEYWORD = "!sync";
export const MAX_KEYWORD_CHARS = 200;

export interface RuleChoice {
  rule: SyncRule;
  title: string;
  help: string;
}

/** The rules, in words for people. */
export const RULES: RuleChoice[] = [
  {
    rule: "keyword",
    title: "Replies that begin with a keyword",
    help: "People decide for each reply. The keyword itself is left out of the comment.",
  },
  {
    rule: "reaction",
    title: "Replies that somebody marks with :clipboard:",
    help: "Anybody in the channel adds this reaction to a reply, at once or later.",
  },
  {
    rule: "metadata",
    title: "Replies that an app marks",
    help: "For workflows and tools that post as a person: message metadata of the type oblivion_sync.",
  },
  {
    rule: "all",
    title: "Every reply",
    help: "All that people write in a thread. Best for channels that are only about the work.",
  },
];

/** "Replies that begin with !sync", for a line. */
export function ruleInWords(rule: SyncRule, keyword: string): string {
  if (rule === "keyword") return `Replies that begin with ${keyword}`;
  return RULES.find((choice) => choice.rule === rule)?.title ?? rule;
}

/** What holds under every rule. */
export const RULE_NOTES = [
  "The message shortcut “Sync to ClickUp” always copies a reply.",
  "Replies that begin with !aside never leave Slack, and no agent sees them. All others reach the agent at work.",
];

/** What is wrong with a keyword, or null. Nexus checks it, too. */
export function keywordProblem(keyword: string): string | null {
  if (keyword.trim() === "") return "Write the word that replies begin with, such as !sync.";
  if (keyword.length > MAX_KEYWORD_CHARS) return `At most ${MAX_KEYWORD_CHARS} characters.`;
  if (keyword.trim().toLowerCase().startsWith("!aside")) return "Replies with !aside never leave Slack.";
  return null;
}
