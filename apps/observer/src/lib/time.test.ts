// @vitest-environment node
import { expect, test } from "vitest";
import { duration, relative } from "./time";

const NOW = Date.UTC(2026, 5, 15, 12, 0, 0);
const S = 1000;

test.each([
  [1 * S, "just now"],
  [4 * S, "4 s ago"],
  [59 * S, "59 s ago"],
  [60 * S, "1 min ago"],
  [119 * S, "1 min ago"],
  [3600 * S, "1 h ago"],
  [26 * 3600 * S, "1 d ago"],
  [40 * 24 * 3600 * S, "6 May"],
  [400 * 24 * 3600 * S, "11 May 2025"],
  [-90 * S, "in 1 min"],
])("%i ms before now is said as %s", (ms, words) => {
  expect(relative(NOW - ms, NOW)).toBe(words);
});

test.each([
  [0, "0 ms"],
  [812.4, "812 ms"],
  [1400, "1.4 s"],
  [9960, "9.9 s"],
  [12_345, "12 s"],
  [200 * S, "3 min 20 s"],
  [180 * S, "3 min"],
  [7500 * S, "2 h 5 min"],
  [100 * 3600 * S, "4 d 4 h"],
  [-5, "0 ms"],
])("%d ms last %s", (ms, words) => {
  expect(duration(ms)).toBe(words);
});
