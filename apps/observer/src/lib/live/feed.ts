import type { FeedFilters, FeedLine } from "@oblivion/protocol";
import { safeParse } from "valibot";
import { feedAnswer } from "./frames";
import type { AdminSocket } from "./socket";

/** Who follows the feed, and what it wants. */
export interface Following {
  filters: FeedFilters;
  /** How many lines from before to begin with, at most 500. */
  tail: number;
  /** New lines, in order within a batch. After a reconnect, known ones may come again: drop those by `id`. */
  onLines: (lines: FeedLine[]) => void;
  /** Nexus has begun to send: without lines by then, there are none that match. */
  onBegun?: () => void;
  /** More happened during an interruption than Nexus sends: lines are missing. */
  onTruncated?: () => void;
  /** Nexus refused the filters, with the reason. */
  onRefused?: (reason: string) => void;
}

/**
 * Follows the feed over every reconnect without a gap: the first time by `subscribe`, then by `resume` from the last
 * cursor. Nexus keeps one subscription a socket, so there is one follower at a time. Returns what ends it.
 */
export function followFeed(socket: AdminSocket, following: Following): () => void {
  let cursor: string | null = null;
  let ended = false;

  async function ask(): Promise<void> {
    if (socket.status.state !== "live") return;
    const { filters, tail } = following;
    const raw =
      cursor === null
        ? await socket.request("subscribe", { filters, tail })
        : await socket.request("resume", { since: cursor, filters });
    if (ended) return;
    const answer = safeParse(feedAnswer, raw);
    if (!answer.success) {
      following.onRefused?.("Nexus did not accept these filters.");
      return;
    }
    cursor ??= answer.output.cursor;
    following.onBegun?.();
    if (answer.output.truncated === true) following.onTruncated?.();
  }

  function begin(): void {
    // An answer that does not come means a connection that is about to end: the next one asks again.
    ask().catch(() => undefined);
  }

  const endFrames = socket.on("feed", (frame) => {
    cursor = frame.cursor;
    following.onLines(frame.lines);
  });
  const endWatch = socket.watch(begin);
  begin();
  return () => {
    ended = true;
    endFrames();
    endWatch();
  };
}
