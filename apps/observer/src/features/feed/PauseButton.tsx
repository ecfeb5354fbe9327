import { Button, Kbd } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";

/** Holds the screen still while one reads; lines are still taken. */
export function PauseButton({ isPaused, onToggle }: { isPaused: boolean; onToggle: () => void }) {
  return (
    <Button
      variant={isPaused ? "filled" : "default"}
      leftSection={isPaused ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
      rightSection={<Kbd aria-hidden>P</Kbd>}
      aria-keyshortcuts="p"
      onClick={onToggle}
    >
      {isPaused ? "Follow" : "Pause"}
    </Button>
  );
}
