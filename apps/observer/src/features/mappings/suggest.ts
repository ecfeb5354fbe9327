import type { Model } from "@/lib/api/client";

/** A channel that goes by the name of a list. */
export interface Suggestion {
  channelId: string;
  channelName: string;
  isMember: boolean;
}

/** Below this a likeness is a coincidence of one word. Found by trying names that people use. */
const MIN_SCORE = 0.52;
/** Two channels that are closer than this: neither is suggested. */
const MIN_LEAD = 0.02;
/** What speaks for a channel that Oblivion is in already. */
const MEMBER_BONUS = 0.03;
/** Words of the space and folder say less than those of the list. */
const GROUP_SHARE = 0.6;
/** Words of a list that stand in no channel's name, such as "requests" or "Q4". */
const UNKNOWN_WEIGHT = 0.5;
const NUMBER_WEIGHT = 0.3;
const MIN_PREFIX_CHARS = 3;
const NOISE = new Set([
  "a",
  "and",
  "channel",
  "for",
  "in",
  "list",
  "of",
  "project",
  "task",
  "team",
  "the",
  "to",
]);

interface Candidate {
  channel: Model<"ChatChannel">;
  words: string[];
}

/**
 * Says for a list which of these channels goes by its name, or null when none does or two do equally well.
 *
 * Words count less the more channels have them ("eng-…"), and "cust" is taken for "customer". Reads the channels once,
 * so that it can be asked about thousands of lists.
 */
export function createSuggester(
  channels: readonly Model<"ChatChannel">[],
): (list: Model<"TrackerList">) => Suggestion | null {
  const candidates = channels.map((channel): Candidate => ({ channel, words: wordsOf(channel.name) }));
  const vocabulary = new Vocabulary(candidates);

  return (list) => {
    const name = wordsOf(list.name);
    const group = wordsOf(list.group);
    let best: { candidate: Candidate; rank: number } | null = null;
    let second = 0;
    for (const candidate of vocabulary.withAnyOf(name)) {
      const score = likeness(name, group, candidate.words, vocabulary);
      if (score < MIN_SCORE) continue;
      const rank = score + (candidate.channel.is_member ? MEMBER_BONUS : 0);
      if (best === null || rank > best.rank) {
        second = best?.rank ?? 0;
        best = { candidate, rank };
      } else if (rank > second) second = rank;
    }
    if (best === null || best.rank - second < MIN_LEAD) return null;
    const { id, name: channelName, is_member: isMember } = best.candidate.channel;
    return { channelId: id, channelName, isMember };
  };
}

/** The words of a name: lower-case, without accents, plurals and words that say nothing. */
export function wordsOf(text: string): string[] {
  const words = text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/['’]s\b/gu, "")
    .replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .map(singular)
    .filter((word) => word !== "" && !NOISE.has(word));
  return [...new Set(words)];
}

function singular(word: string): string {
  return word.length > 3 && word.endsWith("s") && !word.endsWith("ss") ? word.slice(0, -1) : word;
}

/** From 0 to 1: how well a list's words cover the channel's, and the channel's the list's. */
function likeness(name: string[], group: string[], channel: string[], vocabulary: Vocabulary): number {
  let covered = 0;
  let total = 0;
  for (const word of channel) {
    const weight = vocabulary.weight(word);
    const likest = Math.max(best(word, name), GROUP_SHARE * best(word, group));
    covered += weight * likest;
    total += weight;
  }
  let meant = 0;
  let said = 0;
  for (const word of name) {
    const { likest, weight } = vocabulary.among(word, channel);
    meant += weight * likest;
    said += weight;
  }
  const ofChannel = total === 0 ? 0 : covered / total;
  const ofList = said === 0 ? 0 : meant / said;
  return ofChannel + ofList === 0 ? 0 : (2 * ofChannel * ofList) / (ofChannel + ofList);
}

function best(word: string, others: string[]): number {
  return others.reduce((most, other) => Math.max(most, alike(word, other)), 0);
}

/** 1 for the same word; less for a beginning of the other, by how much of it that is. */
function alike(one: string, other: string): number {
  if (one === other) return 1;
  const [short, long] = one.length < other.length ? [one, other] : [other, one];
  if (short.length < MIN_PREFIX_CHARS || !long.startsWith(short) || isNumber(short)) return 0;
  return 0.6 + 0.4 * (short.length / long.length);
}

function isNumber(word: string): boolean {
  return /^\p{N}+$/u.test(word);
}

/** The words that stand in channels' names, and where. */
class Vocabulary {
  readonly #at = new Map<string, Candidate[]>();
  readonly #byPrefix = new Map<string, string[]>();

  constructor(candidates: readonly Candidate[]) {
    for (const candidate of candidates) {
      for (const word of candidate.words) {
        const known = this.#at.get(word);
        if (known !== undefined) {
          known.push(candidate);
          continue;
        }
        this.#at.set(word, [candidate]);
        const prefix = word.slice(0, MIN_PREFIX_CHARS);
        this.#byPrefix.set(prefix, [...(this.#byPrefix.get(prefix) ?? []), word]);
      }
    }
  }

  /** How much a word of a channel's name says. */
  weight(word: string): number {
    const rarity = 1 / (1 + Math.log2(this.#at.get(word)?.length ?? 1));
    return isNumber(word) ? NUMBER_WEIGHT * rarity : rarity;
  }

  /** How like a list's word is to the likest of a channel's, and how much it says. */
  among(word: string, channel: string[]): { likest: number; weight: number } {
    let likest = 0;
    let weight = isNumber(word) ? NUMBER_WEIGHT * UNKNOWN_WEIGHT : UNKNOWN_WEIGHT;
    for (const other of channel) {
      const likeness = alike(word, other);
      if (likeness <= likest) continue;
      likest = likeness;
      weight = this.weight(other);
    }
    return { likest, weight };
  }

  /** The channels with a word like one of these. */
  withAnyOf(words: string[]): Set<Candidate> {
    const found = new Set<Candidate>();
    for (const word of words) {
      for (const other of this.#byPrefix.get(word.slice(0, MIN_PREFIX_CHARS)) ?? []) {
        if (alike(word, other) === 0) continue;
        for (const candidate of this.#at.get(other) ?? []) found.add(candidate);
      }
    }
    return found;
  }
}
