"use client";

import { Radio, Stack } from "@mantine/core";

const HOUR = 3600;

/** How long the previous secret keeps working after a rotation, in seconds. */
export const OVERLAPS = [
  {
    seconds: 0,
    label: "Stops at once",
    help: "When it may have leaked. What runs with it fails until it has the new one.",
  },
  { seconds: HOUR, label: "Works for 1 hour", help: "When you can restart everything now." },
  {
    seconds: 24 * HOUR,
    label: "Works for 24 hours",
    help: "Enough to roll out the new one without an interruption.",
  },
  { seconds: 7 * 24 * HOUR, label: "Works for 7 days", help: "When others have to replace it." },
] as const;

export const DEFAULT_OVERLAP_SECONDS = 24 * HOUR;

/** Asks what becomes of the previous secret. */
export function OverlapChoice({ value, onChange }: { value: number; onChange: (seconds: number) => void }) {
  return (
    <Radio.Group
      label="The previous secret"
      value={String(value)}
      onChange={(seconds) => {
        onChange(Number(seconds));
      }}
    >
      <Stack gap={8} mt={8}>
        {OVERLAPS.map(({ seconds, label, help }) => (
          <Radio key={seconds} size="xs" value={String(seconds)} label={label} description={help} />
        ))}
      </Stack>
    </Radio.Group>
  );
}
