"use client";

import { IconRefresh } from "@tabler/icons-react";
import { usePaletteAction } from "@/lib/palette";
import { ConfirmButton } from "@/ui/ConfirmButton";
import { confirmFirst, type Confirmation } from "@/ui/confirmations";
import { MAX_REPLAYS } from "./replays";
import type { useReplay } from "./useReplay";
import { deadLetters } from "./words";

/** Replays everything that is dead, after asking. */
export function ReplayAll({ count, replaying }: { count: number; replaying: ReturnType<typeof useReplay> }) {
  const confirmation = replayConfirmation(count, "of all causes", () => {
    replaying.replayAll(count);
  });
  usePaletteAction("replay-all", "Replay all dead letters", () => {
    if (count > 0) confirmFirst(confirmation);
  });
  if (count === 0) return null;
  return (
    <ConfirmButton
      needs="operate"
      leftSection={<IconRefresh size={14} />}
      loading={replaying.pending?.what === "all"}
      confirmation={confirmation}
    >
      Replay all
    </ConfirmButton>
  );
}

/** The question before several are replayed; it names the number. `which`: "of all causes". */
export function replayConfirmation(count: number, which: string, onConfirm: () => void): Confirmation {
  const now = Math.min(count, MAX_REPLAYS);
  return {
    title: `Replay ${deadLetters(now)}?`,
    children: (
      <>
        {count > now
          ? `There are ${deadLetters(count)} ${which}. The oldest ${now} are tried again now; the others stay until you replay again.`
          : `${now === 1 ? "It is" : "Each of them is"} tried again at once, as if for the first time.`}{" "}
        What got through after all is noticed and not sent twice.
      </>
    ),
    confirm: `Replay ${deadLetters(now)}`,
    isDestructive: false,
    onConfirm,
  };
}
