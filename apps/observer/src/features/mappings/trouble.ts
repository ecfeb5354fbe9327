import type { Mapping, Trouble } from "./boardModel";

/** How bad it is: nothing is posted, or not everything is heard. */
export function troubleTone(trouble: Trouble): "failed" | "waiting" {
  return trouble === "not_member" ? "waiting" : "failed";
}

/** What is wrong with a link, and what to do about it. */
export interface TroubleWords {
  /** For a row: a few words. */
  short: string;
  what: string;
  todo: string;
  /** Whether the invitation helps. */
  invite: boolean;
}

export function troubleWords(trouble: Trouble, { list_name, channel_name }: Mapping): TroubleWords {
  switch (trouble) {
    case "channel_gone":
      return {
        short: "channel is gone",
        what: `#${channel_name} was archived or deleted, or Oblivion was taken out of it: new tasks cannot be posted.`,
        todo: "Move the link to another channel, or unlink it. Into a private channel, invite Oblivion again.",
        invite: true,
      };
    case "not_member":
      return {
        short: "Oblivion is not a member",
        what: `Oblivion is not in #${channel_name}, so it hears no replies there.`,
        todo: "It joins with the next card. To have it there now, write this in the channel, then refresh:",
        invite: true,
      };
    case "list_gone":
      return {
        short: "list is gone",
        what: `${list_name} was deleted or archived in ClickUp, or Oblivion may not see it any more. No new tasks come from it.`,
        todo: "Unlink it, or give the ClickUp connection access to it.",
        invite: false,
      };
  }
}
