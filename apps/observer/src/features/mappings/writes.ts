import type { Mapping } from "./boardModel";
import { DEFAULT_KEYWORD, DEFAULT_RULE, ruleInWords, type SyncRule } from "./rules";

/** Something at a vendor, by its id and what people call it. */
export interface Named {
  id: string;
  name: string;
}

/** What a person wants of the links. */
export type Write =
  | { kind: "link"; list: Named; channel: Named; rule?: SyncRule; keyword?: string }
  | { kind: "move"; mapping: Mapping; channel: Named }
  | { kind: "rule"; mapping: Mapping; rule: SyncRule; keyword: string }
  | { kind: "unlink"; mapping: Mapping };

const PENDING = "pending:";

/** Whether Nexus has not said yet that this link exists. */
export function isPending(mapping: Mapping): boolean {
  return mapping.id.startsWith(PENDING);
}

/** The links as they will be when this has been done. `by` is who does it, `now` the time, ISO 8601. */
export function applied(
  mappings: readonly Mapping[],
  write: Write,
  by: string | null,
  now: string,
): Mapping[] {
  switch (write.kind) {
    case "link":
      return [...without(mappings, write.list.id), pendingMapping(write, by, now)];
    case "unlink":
      return without(mappings, write.mapping.list_id);
    case "move":
      return changed(mappings, write.mapping.id, {
        channel_id: write.channel.id,
        channel_name: write.channel.name,
        updated_at: now,
      });
    case "rule":
      return changed(mappings, write.mapping.id, {
        sync_rule: write.rule,
        sync_keyword: write.keyword,
        updated_at: now,
      });
  }
}

/** The links without what `applied` did, whatever else has happened to them since. */
export function reverted(mappings: readonly Mapping[], write: Write): Mapping[] {
  switch (write.kind) {
    case "link":
      return mappings.filter((mapping) => !(mapping.list_id === write.list.id && isPending(mapping)));
    case "unlink":
      return [...without(mappings, write.mapping.list_id), write.mapping];
    case "move":
    case "rule":
      return changed(mappings, write.mapping.id, write.mapping);
  }
}

/** The links with what Nexus answered; null is the answer to an unlink. */
export function settled(mappings: readonly Mapping[], answer: Mapping | null): Mapping[] {
  if (answer === null) return [...mappings];
  const at = mappings.findIndex(({ list_id }) => list_id === answer.list_id);
  return at < 0 ? [...mappings, answer] : mappings.with(at, answer);
}

/** What takes a write back, given what Nexus answered to it. */
export function inverseOf(write: Write, answer: Mapping | null): Write | null {
  if (write.kind === "unlink") {
    const { mapping } = write;
    return {
      kind: "link",
      list: { id: mapping.list_id, name: mapping.list_name },
      channel: { id: mapping.channel_id, name: mapping.channel_name },
      rule: mapping.sync_rule,
      keyword: mapping.sync_keyword,
    };
  }
  if (answer === null) return null;
  switch (write.kind) {
    case "link":
      return { kind: "unlink", mapping: answer };
    case "move": {
      const { channel_id: id, channel_name: name } = write.mapping;
      return { kind: "move", mapping: answer, channel: { id, name } };
    }
    case "rule": {
      const { sync_rule: rule, sync_keyword: keyword } = write.mapping;
      return { kind: "rule", mapping: answer, rule, keyword };
    }
  }
}

/** That it was done, in words. */
export function doneWords(write: Write): string {
  switch (write.kind) {
    case "link":
      return `${write.list.name} is linked to #${write.channel.name}.`;
    case "unlink":
      return `${write.mapping.list_name} is not linked any more. Cards that were posted stay.`;
    case "move":
      return `${write.mapping.list_name} moved to #${write.channel.name}. Cards that were posted stay where they are.`;
    case "rule":
      return `${write.mapping.list_name}: what goes to ClickUp is now ${lowerFirst(ruleInWords(write.rule, write.keyword))}.`;
  }
}

/** That it could not be done, in words; the reason is said beside it. */
export function failedWords(write: Write): string {
  switch (write.kind) {
    case "link":
      return `Could not link ${write.list.name} to #${write.channel.name}`;
    case "unlink":
      return `Could not unlink ${write.mapping.list_name}`;
    case "move":
      return `Could not move ${write.mapping.list_name} to #${write.channel.name}`;
    case "rule":
      return `Could not change which replies of ${write.mapping.list_name} go to ClickUp`;
  }
}

function pendingMapping(
  { list, channel, rule = DEFAULT_RULE, keyword = DEFAULT_KEYWORD }: Extract<Write, { kind: "link" }>,
  by: string | null,
  now: string,
): Mapping {
  return {
    id: `${PENDING}${list.id}`,
    list_id: list.id,
    list_name: list.name,
    channel_id: channel.id,
    channel_name: channel.name,
    sync_rule: rule,
    sync_keyword: keyword,
    created_by: by,
    created_at: now,
    updated_at: now,
  };
}

function without(mappings: readonly Mapping[], listId: string): Mapping[] {
  return mappings.filter(({ list_id }) => list_id !== listId);
}

function changed(mappings: readonly Mapping[], id: string, change: Partial<Mapping>): Mapping[] {
  return mappings.map((mapping) => (mapping.id === id ? { ...mapping, ...change } : mapping));
}

function lowerFirst(words: string): string {
  return words.charAt(0).toLowerCase() + words.slice(1);
}
