import type { Mapping, Trouble } from "./board";
import { INVITE } from "./layout";

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
        what: `#${channel_name} was deleted or archived, or Oblivion was taken out of it. New tasks of this list cannot be posted.`,
        todo: "Choose another channel and move the link, or unlink it. If the channel is private, invite Oblivion there.",
        invite: true,
      };
    case "not_member":
      return {
        short: "Oblivion is not a member",
        what: `Oblivion is not in #${channel_name}, so it hears no replies there.`,
        todo: `Write ${INVITE} in the channel, then refresh.`,
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
