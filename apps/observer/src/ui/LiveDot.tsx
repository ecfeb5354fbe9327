"use client";

import { Button, Group, Tooltip } from "@mantine/core";
import { useNow } from "@/lib/clock";
import { useLive } from "@/lib/live/provider";
import type { LiveStatus } from "@/lib/live/socket";
import { relative } from "@/lib/time";
import { StatusBadge } from "./StatusBadge";
import type { StateLook } from "./states";

const LOOKS: Record<LiveStatus["state"], StateLook> = {
  connecting: { label: "Connecting", tone: "waiting" },
  live: { label: "Live", tone: "ok" },
  reconnecting: { label: "Reconnecting", tone: "waiting" },
  refused: { label: "Not live", tone: "failed" },
};

/** Whether the page hears of changes at once, and when it heard of anything last. */
export function LiveDot() {
  const { state, reason, lastEventAt, retry } = useLive();
  const now = useNow();
  const at = lastEventAt();
  const last = at === null || now === 0 ? "No event yet" : `Last event ${relative(Math.min(at, now), now)}`;
  return (
    <Group gap={4} wrap="nowrap">
      <Tooltip label={reason === null ? last : `${reason} ${last}.`}>
        <span role="status" tabIndex={0} aria-label={`Live events: ${LOOKS[state].label}`}>
          <StatusBadge look={LOOKS[state]} plain pulse={state === "live"} />
        </span>
      </Tooltip>
      {(state === "refused" || state === "reconnecting") && (
        <Button variant="transparent" size="compact-xs" onClick={retry}>
          Retry now
        </Button>
      )}
    </Group>
  );
}
