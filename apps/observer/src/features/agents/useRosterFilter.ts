"use client";

import { parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { SHOWN, type RosterFilter } from "./roster";

const PARSERS = {
  show: parseAsStringLiteral(SHOWN).withDefault("all"),
  skill: parseAsString,
  q: parseAsString.withDefault(""),
};

/** The filter of the roster, kept in the URL: `?show=muted&skill=fix_bug&q=mira`. */
export function useRosterFilter() {
  const [{ show, skill, q }, set] = useQueryStates(PARSERS);
  const filter: RosterFilter = { shown: show, skill, text: q };
  return {
    filter,
    isFiltered: show !== "all" || skill !== null || q !== "",
    change: (to: Partial<RosterFilter>) => {
      void set({
        ...(to.shown === undefined ? {} : { show: to.shown }),
        ...(to.skill === undefined ? {} : { skill: to.skill }),
        ...(to.text === undefined ? {} : { q: to.text === "" ? null : to.text }),
      });
    },
    clear: () => {
      void set(null);
    },
  };
}
