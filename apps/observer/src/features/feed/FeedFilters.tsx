import { Button, CloseButton } from "@mantine/core";
import { IconListDetails } from "@tabler/icons-react";
import { ToggleChips } from "@/ui/ToggleChips";
import { toolName } from "@/ui/words";
import classes from "./Feed.module.css";
import { LEVELS, NO_FILTERS, isFiltered, type FeedParams } from "./filters";
import { LEVEL_LOOKS } from "./looks";
import { useSources, useTaskTitle } from "./queries";

const LEVEL_CHIPS = LEVELS.map((value) => ({ value, ...LEVEL_LOOKS[value] }));

export interface FeedFiltersProps {
  params: FeedParams;
  onChange: (change: Partial<FeedParams>) => void;
}

/** Which levels, which sources, which task. */
export function FeedFilters({ params, onChange }: FeedFiltersProps) {
  const { level, source, task } = params;
  const sources = useSources();
  // A source from the URL that nobody knows has to be seen, or nobody could let go of it.
  const chips = [...new Set([...sources, ...source])].map((value) => ({ value, label: toolName(value) }));
  const title = useTaskTitle(task);
  return (
    <div className={classes.filters}>
      <ToggleChips
        label="Levels"
        chips={LEVEL_CHIPS}
        value={level}
        onChange={(chosen) => {
          onChange({ level: chosen });
        }}
      />
      <span className={classes.rule} aria-hidden />
      <ToggleChips
        label="Sources"
        chips={chips}
        value={source}
        onChange={(chosen) => {
          onChange({ source: chosen });
        }}
      />
      {task !== null && (
        <span className={classes.task}>
          <IconListDetails size={14} aria-hidden />
          <span className="truncate">{title ?? `Task …${task.slice(-8)}`}</span>
          <CloseButton
            size="xs"
            aria-label="Show the lines of all tasks"
            onClick={() => {
              onChange({ task: null });
            }}
          />
        </span>
      )}
      {isFiltered(params) && (
        <Button
          variant="subtle"
          size="compact-xs"
          className={classes.clear}
          onClick={() => {
            onChange(NO_FILTERS);
          }}
        >
          Clear filters
        </Button>
      )}
    </div>
  );
}
