import { Button, Select } from "@mantine/core";
import { useRoster } from "@/features/agents/queries";
import { useMappings } from "@/features/mappings/queries";
import { ToggleChips } from "@/ui/ToggleChips";
import type { Tone } from "@/ui/states";
import { MIRRORS, NO_FILTERS, isFiltered, type Group, type TaskFilters } from "./params";
import classes from "./Tasks.module.css";

const CHIPS: { value: Group | "waiting"; label: string; tone: Tone }[] = [
  { value: "waiting", label: "Waiting", tone: "waiting" },
  { value: "working", label: "Working", tone: "active" },
  { value: "people", label: "Needs people", tone: "waiting" },
  { value: "done", label: "Done", tone: "ok" },
  { value: "failed", label: "Failed", tone: "failed" },
  { value: "stopped", label: "Stopped", tone: "offline" },
];
const MIRROR_LABELS = { mirrored: "Mirrored", "addressed, not mapped": "Not mapped", closed: "Closed" };

export interface TaskFilterBarProps {
  filters: TaskFilters;
  onChange: (change: Partial<TaskFilters>) => void;
}

/** One group of states, and where, by whom and from which list. */
export function TaskFilterBar({ filters, onChange }: TaskFilterBarProps) {
  const { data: roster } = useRoster();
  const { data: mappings } = useMappings();
  const chosen = filters.waiting ? "waiting" : filters.show;
  const agents = (roster?.items ?? []).map(({ name }) => ({ value: name, label: name }));
  const lists = (mappings?.items ?? []).map(({ list_id, list_name }) => ({
    value: list_id,
    label: list_name,
  }));
  return (
    <div className={classes.filters}>
      <ToggleChips
        label="States"
        chips={CHIPS}
        value={chosen === null ? [] : [chosen]}
        onChange={(value) => {
          // One at a time: what was chosen last.
          const next = value.find((each) => each !== chosen) ?? null;
          onChange({
            waiting: next === "waiting",
            show: next === "waiting" ? null : next,
          });
        }}
      />
      <span className={classes.selects}>
        <Choice
          label="Mirrored or not"
          options={MIRRORS.map((value) => ({ value, label: MIRROR_LABELS[value] }))}
          value={filters.mirror}
          onChange={(value) => {
            onChange({ mirror: MIRRORS.find((each) => each === value) ?? null });
          }}
        />
        <Choice
          label="Any agent"
          options={agents}
          value={filters.agent}
          onChange={(agent) => {
            onChange({ agent });
          }}
        />
        <Choice
          label="Any list"
          options={lists}
          value={filters.list}
          onChange={(list) => {
            onChange({ list });
          }}
        />
        {isFiltered(filters) && (
          <Button
            variant="subtle"
            onClick={() => {
              onChange(NO_FILTERS);
            }}
          >
            Clear filters
          </Button>
        )}
      </span>
    </div>
  );
}

interface ChoiceProps {
  label: string;
  options: { value: string; label: string }[];
  value: string | null;
  onChange: (value: string | null) => void;
}

function Choice({ label, options, value, onChange }: ChoiceProps) {
  // What the URL names has to be seen, or nobody could let go of it; a list may be linked twice.
  const known = new Map(options.map((option) => [option.value, option]));
  if (value !== null && !known.has(value)) known.set(value, { value, label: value });
  return (
    <Select
      aria-label={label}
      placeholder={label}
      data={[...known.values()]}
      value={value}
      onChange={onChange}
      allowDeselect
      clearable
      searchable={known.size > 8}
      w={150}
      nothingFoundMessage="Nothing of this name"
    />
  );
}
