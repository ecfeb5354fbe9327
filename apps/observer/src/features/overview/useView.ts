"use client";

import { createParser, parseAsStringLiteral, useQueryStates } from "nuqs";
import { DEFAULT_RANGE, RANGES, parseZoom, serializeZoom } from "./range";

const zoom = createParser({
  parse: parseZoom,
  serialize: serializeZoom,
  eq: (one, other) => one.from === other.from && one.to === other.to,
});

/** What of the time is looked at, and how; all of it in the URL. */
export function useView() {
  return useQueryStates({
    range: parseAsStringLiteral(RANGES).withDefault(DEFAULT_RANGE),
    zoom,
    show: parseAsStringLiteral(["charts", "table"]).withDefault("charts"),
  });
}
