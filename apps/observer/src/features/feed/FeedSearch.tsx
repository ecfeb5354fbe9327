import { ActionIcon, Tooltip } from "@mantine/core";
import { IconRegex } from "@tabler/icons-react";
import { FilterInput } from "@/ui/FilterInput";
import type { FeedParams } from "./filters";
import classes from "./Feed.module.css";

export interface FeedSearchProps {
  params: FeedParams;
  /** What is wrong with the pattern. */
  error: string | null;
  onChange: (change: Partial<FeedParams>) => void;
}

/** Looks for text, or a regular expression, in everything that a row shows. */
export function FeedSearch({ params, error, onChange }: FeedSearchProps) {
  return (
    <div className={classes.search}>
      <FilterInput
        label="Filter lines"
        value={params.q}
        width="100%"
        error={error}
        onChange={(q) => {
          onChange({ q });
        }}
      />
      <Tooltip label="Regular expression">
        <ActionIcon
          size={30}
          variant={params.regex ? "light" : "default"}
          color={params.regex ? "indigo" : "gray"}
          aria-label="Regular expression"
          aria-pressed={params.regex}
          onClick={() => {
            onChange({ regex: !params.regex });
          }}
        >
          <IconRegex size={16} />
        </ActionIcon>
      </Tooltip>
    </div>
  );
}
