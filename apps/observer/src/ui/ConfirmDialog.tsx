"use client";

import { Button, Group, Modal, Text } from "@mantine/core";
import { useState } from "react";
import { closeConfirmation, useConfirmation } from "./confirmations";

/** Where `confirmFirst` asks. One for the page. */
export function ConfirmDialog() {
  const asked = useConfirmation();
  // It still shows its words while it fades.
  const [shown, setShown] = useState(asked);
  if (asked !== null && asked !== shown) setShown(asked);
  return (
    <Modal opened={asked !== null} onClose={closeConfirmation} title={shown?.title}>
      <Text size="sm" component="div" className="prose" mb="md">
        {shown?.children}
      </Text>
      <Group justify="flex-end" gap="xs">
        <Button data-autofocus onClick={closeConfirmation}>
          Cancel
        </Button>
        <Button
          variant="filled"
          color={shown?.isDestructive === false ? "indigo" : "red.9"}
          onClick={() => {
            closeConfirmation();
            shown?.onConfirm();
          }}
        >
          {shown?.confirm}
        </Button>
      </Group>
    </Modal>
  );
}
