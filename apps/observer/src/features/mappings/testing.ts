import type { Model } from "@/lib/api/client";
import type { Mapping } from "./boardModel";

/** A list for tests. */
export function testList(id: string, name: string, group = ""): Model<"TrackerList"> {
  return { id, name, group };
}

/** A channel for tests: public, and Oblivion is in it. */
export function testChannel(
  id: string,
  name: string,
  over: Partial<Model<"ChatChannel">> = {},
): Model<"ChatChannel"> {
  return { id, name, is_member: true, is_private: false, ...over };
}

/** A link for tests. */
export function mapping(listId: string, channelId: string, channelName = channelId): Mapping {
  return {
    id: `M-${listId}`,
    list_id: listId,
    list_name: `List ${listId}`,
    channel_id: channelId,
    channel_name: channelName,
    sync_rule: "keyword",
    sync_keyword: "!sync",
    created_by: "dana@example.test",
    created_at: "2026-03-12T14:00:00Z",
    updated_at: "2026-03-12T14:00:00Z",
  };
}
