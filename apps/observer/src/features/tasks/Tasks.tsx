"use client";

import { Button } from "@mantine/core";
import { IconFilterOff, IconListDetails } from "@tabler/icons-react";
import Link from "next/link";
import { useQueryStates } from "nuqs";
import { DataTable } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { FilterInput } from "@/ui/FilterInput";
import { LiveDot } from "@/ui/LiveDot";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { Synced } from "@/ui/Synced";
import { lazily } from "@/ui/lazily";
import { number } from "@/ui/words";
import { COLUMNS } from "./columns";
import { NO_FILTERS, filterParams, isFiltered, openParams, type TaskFilters } from "./params";
import { isTask, useTasks } from "./queries";
import { TaskFilterBar } from "./TaskFilterBar";
import classes from "./Tasks.module.css";

const TaskDrawer = lazily(() => import("./TaskDrawer").then((file) => file.TaskDrawer));

/** What was asked of agents, and what became of it. */
export function Tasks() {
  const [filters, setFilters] = useQueryStates(filterParams);
  const [{ task: openId, tab }, setOpen] = useQueryStates(openParams, { history: "push" });
  const { rows, error, isStale, readAt, refetch, more, isLoadingMore, moreError } = useTasks(filters);

  function change(to: Partial<TaskFilters>): void {
    void setFilters(to, { history: "replace" });
  }
  function open(id: string | null): void {
    void setOpen({ task: id, ...(id === null ? { tab: null } : {}) });
  }
  function step(by: 1 | -1): void {
    const at = rows?.findIndex((row) => openId !== null && isTask(row, openId)) ?? -1;
    const next = rows?.[at + by];
    if (at >= 0 && next !== undefined) void setOpen({ task: next.id }, { history: "replace" });
  }

  return (
    <Page
      title="Tasks"
      purpose="What was asked of your agents, and what became of it."
      badge={<LiveDot />}
      actions={
        <FilterInput
          label="Title or id"
          width={280}
          value={filters.q}
          onChange={(q) => void setFilters({ q }, { history: "replace" })}
        />
      }
      fill
    >
      <Panel fill flush className={classes.panel}>
        <div className={classes.frame}>
          <TaskFilterBar filters={filters} onChange={change} />
          <div className={classes.table} data-stale={isStale || undefined}>
            {rows === undefined && error !== null ? (
              <ErrorState title="The tasks could not be read" error={error} onRetry={() => void refetch()} />
            ) : (
              <DataTable
                label="Tasks"
                columns={COLUMNS}
                rows={rows}
                rowKey={(row) => row.id}
                onOpen={(row) => {
                  open(row.id);
                }}
                openKey={openId}
                fill
                fixed
                autoMore={moreError === null}
                onMore={more}
                isLoadingMore={isLoadingMore}
                empty={
                  <NoTasks
                    isFiltered={isFiltered(filters)}
                    onClear={() => {
                      change(NO_FILTERS);
                    }}
                  />
                }
              />
            )}
          </div>
          <footer className={classes.status}>
            <span className="tabular" role="status">
              {rows !== undefined && `${number(rows.length)}${more === undefined ? "" : "+"} tasks`}
            </span>
            {moreError !== null && <span className={classes.failed}>Older tasks could not be read</span>}
            {rows !== undefined && error !== null && (
              <Synced at={readAt} failed word="read" onRetry={() => void refetch()} />
            )}
            <span className={classes.keys} aria-hidden>
              <kbd>J</kbd> <kbd>K</kbd> task · <kbd>Enter</kbd> open
            </span>
          </footer>
        </div>
      </Panel>
      <TaskDrawer
        id={openId}
        tab={tab}
        onTab={(wanted) => void setOpen({ tab: wanted }, { history: "replace" })}
        onStep={step}
        onClose={() => {
          open(null);
        }}
      />
    </Page>
  );
}

function NoTasks({ isFiltered: filtered, onClear }: { isFiltered: boolean; onClear: () => void }) {
  return filtered ? (
    <EmptyState
      icon={<IconFilterOff size={20} />}
      title="No task matches"
      action={<Button onClick={onClear}>Clear filters</Button>}
    >
      Other tasks may exist, but none with these filters.
    </EmptyState>
  ) : (
    <EmptyState
      icon={<IconListDetails size={20} />}
      title="No tasks yet"
      action={
        <Button component={Link} href="/mappings">
          Link a list to a channel
        </Button>
      }
    >
      A task appears here as soon as somebody mentions one of your agents in a linked list, such as @AI_Squad.
    </EmptyState>
  );
}
