"use client";

import { Button, Group, Modal, Stack } from "@mantine/core";
import { useState } from "react";
import { duration } from "@/lib/time";
import { FormError } from "@/ui/FormError";
import { DEFAULT_OVERLAP_SECONDS, OverlapChoice } from "@/ui/OverlapChoice";
import type { Key } from "./keys";
import { KeySecret } from "./KeySecret";
import { useRotateKey } from "./queries";

/** Asks what becomes of the previous secret of a key, then shows the new one, once. */
export function RotateKeyDialog({ of: key, onClose }: { of: Key; onClose: () => void }) {
  const [overlapSeconds, setOverlapSeconds] = useState(DEFAULT_OVERLAP_SECONDS);
  const rotate = useRotateKey();
  if (rotate.data !== undefined) {
    const { client_id, client_secret, overlap_seconds } = rotate.data;
    return (
      <Modal
        opened
        onClose={onClose}
        title={`New secret of ${key.name}`}
        size="lg"
        withCloseButton={false}
        closeOnEscape={false}
        closeOnClickOutside={false}
      >
        <KeySecret
          clientId={client_id}
          clientSecret={client_secret}
          note={
            overlap_seconds === 0
              ? "The previous one has stopped working."
              : `The previous one works for another ${duration(overlap_seconds * 1000)}.`
          }
          onDone={onClose}
        />
      </Modal>
    );
  }
  return (
    <Modal opened onClose={onClose} title={`Rotate the secret of ${key.name}`}>
      <Stack gap="md">
        <OverlapChoice value={overlapSeconds} onChange={setOverlapSeconds} />
        <FormError title={`Could not rotate the secret of ${key.name}`} error={rotate.error} />
        <Group justify="flex-end" gap="xs">
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="filled"
            loading={rotate.isPending}
            onClick={() => {
              rotate.mutate({ clientId: key.client_id, overlapSeconds });
            }}
          >
            Make a new secret
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
