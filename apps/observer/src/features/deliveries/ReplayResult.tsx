"use client";

import { Tooltip } from "@mantine/core";
import { StatusBadge } from "@/ui/StatusBadge";
import type { StateLook } from "@/ui/states";
import { useDelivery } from "./queries";
import type { Replay } from "./replays";
import { deliveryLook, isMoving } from "./words";

const ASKED: StateLook = { label: "Replaying…", tone: "active" };
const LATE: StateLook = { label: "Not dead any more", tone: "offline" };
const GONE: StateLook = { label: "Not there any more", tone: "offline" };

/** What became of a row that was replayed, followed until it is settled. */
export function ReplayResult({ replay: { row, grant, at } }: { replay: Replay }) {
  const { data, dataUpdatedAt } = useDelivery(grant === "replayed" ? row.id : null);
  // What was read before the replay still says that it is dead.
  const now = data !== undefined && dataUpdatedAt >= at ? data : null;
  const isDeadAgain = now?.state === "dead";
  const look = grant === "asked" ? ASKED : grant === "not_found" ? GONE : grant === "not_dead" ? LATE : null;
  const shown =
    look ??
    (isDeadAgain
      ? { label: "Died again", tone: "failed" as const }
      : deliveryLook(now ?? { ...row, state: "pending" }));
  const isPulsing = grant === "asked" || (grant === "replayed" && (now === null || isMoving(now)));
  return (
    <span role="status">
      <Tooltip label={now?.reason} disabled={!isDeadAgain} multiline maw={360}>
        <span tabIndex={isDeadAgain ? 0 : undefined}>
          <StatusBadge look={shown} plain pulse={isPulsing} />
        </span>
      </Tooltip>
    </span>
  );
}
