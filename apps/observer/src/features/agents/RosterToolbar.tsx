"use client";

import { SegmentedControl, Select } from "@mantine/core";
import { FilterInput } from "@/ui/FilterInput";
import classes from "./Agents.module.css";
import { SHOWN, allSkills, counts, totals, type Agent, type RosterFilter, type Shown } from "./roster";

const LABELS: Record<Shown, string> = {
  all: "All",
  online: "Online",
  offline: "Offline",
  muted: "Muted",
  revoked: "Revoked",
};

export interface RosterToolbarProps {
  agents: Agent[];
  filter: RosterFilter;
  onChange: (filter: Partial<RosterFilter>) => void;
}

/** Narrows the roster by words, by state and by skill, and says how much is free. */
export function RosterToolbar({ agents, filter, onChange }: RosterToolbarProps) {
  const count = counts(agents);
  const { load, capacity } = totals(agents);
  const parts = SHOWN.filter((part) => part !== "revoked" || count.revoked > 0 || filter.shown === "revoked");
  return (
    <div className={classes.toolbar}>
      <FilterInput
        label="Filter agents"
        width={200}
        value={filter.text}
        onChange={(text) => {
          onChange({ text });
        }}
      />
      <div className={classes.tabs}>
        <SegmentedControl
          aria-label="Show agents"
          value={filter.shown}
          onChange={(value) => {
            onChange({ shown: SHOWN.find((part) => part === value) ?? "all" });
          }}
          data={parts.map((part) => ({
            value: part,
            label: (
              <>
                {LABELS[part]} <span className={classes.count}>{count[part]}</span>
              </>
            ),
          }))}
        />
      </div>
      <Select
        aria-label="Skill"
        placeholder="Any skill"
        w={150}
        clearable
        searchable
        data={allSkills(agents)}
        value={filter.skill}
        onChange={(skill) => {
          onChange({ skill });
        }}
      />
      <span className={classes.summary}>
        {capacity === 0 ? "No slots: nobody is online" : `${load} of ${capacity} slots taken`}
      </span>
    </div>
  );
}
