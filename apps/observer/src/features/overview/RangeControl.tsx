"use client";

import { SegmentedControl } from "@mantine/core";
import { RANGES, rangeLabel, type Range } from "./range";

/** Of which stretch of time the figures and charts are. */
export function RangeControl({ value, onChange }: { value: Range; onChange: (range: Range) => void }) {
  return (
    <SegmentedControl
      aria-label="Time range"
      value={value}
      onChange={(chosen) => {
        const range = RANGES.find((each) => each === chosen);
        if (range !== undefined) onChange(range);
      }}
      data={RANGES.map((range) => ({ value: range, label: rangeLabel(range) }))}
    />
  );
}
