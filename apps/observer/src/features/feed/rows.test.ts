import { describe, expect, it } from "vitest";
import { entryOf, type Entry } from "./entry";
import { nextLine, rowsOf, type Row } from "./rows";

/** At an hour of a day in March 2026, here. */
function entry(day: number, hour: number, level: "info" | "error" = "info"): Entry {
  return entryOf({
    id: `${day}-${hour}`,
    ts: new Date(2026, 2, day, hour).toISOString(),
    level,
    kind: "task.accept",
    source: "agent",
    tenant_id: "tenant",
    message: "Line",
  });
}

function shown(rows: readonly Row[]): string[] {
  return rows.map((row) => (row.type === "line" ? row.id : row.type));
}

const all = () => true;

describe("rowsOf", () => {
  it("puts each day under its name", () => {
    const rows = rowsOf([entry(11, 9), entry(11, 23), entry(12, 0)], [], all);
    expect(shown(rows)).toEqual(["day", "11-9", "11-23", "day", "12-0"]);
  });

  it("shows only what matches, and no day without lines", () => {
    const rows = rowsOf([entry(11, 9), entry(12, 0, "error")], [], ({ line }) => line.level === "error");
    expect(shown(rows)).toEqual(["day", "12-0"]);
  });

  it("puts a divider where lines are missing, even when the lines around it do not match", () => {
    const before = entry(11, 9);
    const gaps = [{ id: "gap", after: before.at }];
    expect(shown(rowsOf([before, entry(11, 12)], gaps, all))).toEqual(["day", "11-9", "gap", "11-12"]);
    expect(shown(rowsOf([before, entry(11, 12)], gaps, () => false))).toEqual(["gap"]);
  });

  it("puts the divider first when all lines before it are gone", () => {
    expect(shown(rowsOf([entry(11, 12)], [{ id: "gap", after: entry(11, 9).at }], all))).toEqual([
      "gap",
      "day",
      "11-12",
    ]);
  });
});

describe("nextLine", () => {
  it("passes over what is no line, and stays where there is none", () => {
    const rows = rowsOf([entry(11, 9), entry(12, 0)], [], all);
    expect(nextLine(rows, 1, 1)).toBe(3);
    expect(nextLine(rows, 3, -1)).toBe(1);
    expect(nextLine(rows, 3, 1)).toBe(3);
    expect(nextLine(rows, 1, -1)).toBe(1);
  });
});
