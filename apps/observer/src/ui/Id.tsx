"use client";

import { Group, Tooltip } from "@mantine/core";
import { CopyButton } from "./CopyButton";

const SHOWN_CHARS = 8;

/** An id in short, whole on hover, with a button that copies it. `what` names it: "task id". */
export function Id({ value, what, whole = false }: { value: string; what: string; whole?: boolean }) {
  const short = whole || value.length <= SHOWN_CHARS + 2 ? value : `…${value.slice(-SHOWN_CHARS)}`;
  return (
    <Group gap={2} wrap="nowrap" component="span" style={{ minWidth: 0 }}>
      <Tooltip label={value} disabled={short === value}>
        <span className="mono truncate">{short}</span>
      </Tooltip>
      <CopyButton value={value} what={what} />
    </Group>
  );
}
