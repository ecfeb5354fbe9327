"use client";

import { SegmentedControl } from "@mantine/core";
import { IconRefresh, IconSparkles } from "@tabler/icons-react";
import { ActionButton } from "@/ui/ActionButton";
import { counted, number } from "@/ui/words";
import { TABS, type Board, type Tab } from "./boardModel";
import classes from "./Header.module.css";

export interface HeaderProps {
  tab: Tab;
  counts: Board["counts"];
  onTab: (tab: Tab) => void;
  suggestions: number;
  onReview: () => void;
  onRefresh: () => void;
  isRefreshing: boolean;
  /** How bad the worst of what needs attention is. */
  trouble: "failed" | "waiting";
}

const LABELS: Record<Tab, string> = {
  all: "All",
  unlinked: "Unlinked",
  linked: "Linked",
  trouble: "Needs attention",
};

/** Which lists are shown, the suggestions, and reading everything anew. */
export function Header(props: HeaderProps) {
  const { tab, counts, onTab, suggestions, onReview, onRefresh, isRefreshing, trouble } = props;
  const tabs = TABS.filter((each) => each !== "trouble" || counts.trouble > 0 || tab === "trouble");
  return (
    <div className={classes.header}>
      <div className={classes.tabs}>
        <SegmentedControl
          aria-label="Which lists"
          value={tab}
          data={tabs.map((value) => ({
            value,
            label: (
              <span className={classes.tab} data-tone={value === "trouble" ? trouble : undefined}>
                {LABELS[value]} <span className={classes.count}>{number(counts[value])}</span>
              </span>
            ),
          }))}
          onChange={(value) => {
            const chosen = TABS.find((each) => each === value);
            if (chosen !== undefined) onTab(chosen);
          }}
        />
      </div>
      {suggestions > 0 && (
        <ActionButton leftSection={<IconSparkles size={15} color="var(--obs-ok)" />} onClick={onReview}>
          {`Accept ${counted(suggestions, "suggestion")}`}
        </ActionButton>
      )}
      <ActionButton leftSection={<IconRefresh size={15} />} loading={isRefreshing} onClick={onRefresh}>
        Refresh
      </ActionButton>
    </div>
  );
}
