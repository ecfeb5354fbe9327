"use client";

import { Button, Group, Text } from "@mantine/core";
import { ConfirmButton } from "@/ui/ConfirmButton";
import { replayConfirmation } from "./ReplayAll";
import { MAX_REPLAYS } from "./replays";
import type { useReplay } from "./useReplay";
import { deadLetters, type Delivery } from "./words";

export interface SelectionBarProps {
  rows: Delivery[];
  replaying: ReturnType<typeof useReplay>;
  onClear: () => void;
}

/** What can be done with the selected dead letters. */
export function SelectionBar({ rows, replaying, onClear }: SelectionBarProps) {
  return (
    <>
      <Text size="sm" role="status">
        {deadLetters(rows.length)} selected
      </Text>
      <Group gap={8}>
        <Button variant="subtle" color="gray" onClick={onClear}>
          Clear selection
        </Button>
        <ConfirmButton
          needs="operate"
          variant="filled"
          disabledWhy={rows.length > MAX_REPLAYS ? `At most ${MAX_REPLAYS} at a time.` : null}
          confirmation={replayConfirmation(rows.length, "selected", () => {
            replaying.replay(rows);
            onClear();
          })}
        >
          Replay {rows.length} selected
        </ConfirmButton>
      </Group>
    </>
  );
}
