"use client";

import type { ReactNode } from "react";
import { ActionButton } from "@/ui/ActionButton";
import { DataTable, type Column } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { Time } from "@/ui/Time";
import { ToolIcon } from "@/ui/ToolIcon";
import classes from "./Causes.module.css";
import { useRows, type RowFilter } from "./queries";
import { ReplayResult } from "./ReplayResult";
import { withReplayed } from "./replays";
import type { useReplay } from "./useReplay";
import { whatItIs, type Delivery } from "./words";

const MANY_ROWS = 100;
const REASON: Column<Delivery> = {
  key: "reason",
  header: "Reason",
  secondary: true,
  render: ({ reason }) => <span title={reason ?? undefined}>{reason ?? "–"}</span>,
};

export interface RowTableProps {
  label?: string;
  filter: RowFilter;
  /** Whether their reasons differ, so that each is told. */
  withReason: boolean;
  /** Whether a row that was replayed here is one of these. */
  belongs: (row: Delivery) => boolean;
  replaying: ReturnType<typeof useReplay>;
  selected: ReadonlyMap<string, Delivery>;
  onSelect: (rows: ReadonlyMap<string, Delivery>) => void;
  openId: string | null;
  onOpen: (id: string) => void;
  empty?: ReactNode;
}

/** Dead letters one by one, with what became of those that were replayed. */
export function RowTable(props: RowTableProps) {
  const {
    label = "Dead letters",
    filter,
    withReason,
    belongs,
    replaying,
    selected,
    onSelect,
    openId,
    onOpen,
    empty,
  } = props;
  const query = useRows(filter);
  if (query.isLoadingError) {
    return (
      <ErrorState
        title="These dead letters could not be read"
        error={query.error}
        onRetry={() => void query.refetch()}
      />
    );
  }
  const read = query.data?.pages.flatMap(({ items }) => items);
  const rows = read && withReplayed(read, replaying.replays, belongs);
  const columns: Column<Delivery>[] = [
    { key: "title", header: "Task", render: (row) => row.title ?? <i>No task</i> },
    {
      key: "what",
      header: "What",
      secondary: true,
      render: (row) => (
        <span className={classes.what}>
          <ToolIcon tool={row.tool} /> {whatItIs(row)}
        </span>
      ),
    },
    ...(withReason ? [REASON] : []),
    {
      key: "tries",
      header: "Tries",
      align: "right",
      width: 64,
      secondary: true,
      render: (row) => row.attempts,
    },
    {
      key: "at",
      header: "Given up",
      secondary: true,
      align: "right",
      width: 110,
      render: (row) => <Time at={row.updated_at} />,
    },
    {
      key: "result",
      header: <span className="visually-hidden">Replay</span>,
      align: "right",
      width: 150,
      render: (row) => <Result row={row} replaying={replaying} />,
    },
  ];
  return (
    <div style={{ height: (rows?.length ?? 0) > MANY_ROWS ? "min(60vh, 640px)" : undefined }}>
      <DataTable
        label={label}
        columns={columns}
        rows={rows}
        rowKey={({ id }) => id}
        openKey={openId}
        onOpen={({ id }) => {
          onOpen(id);
        }}
        selection={{
          keys: new Set(selected.keys()),
          onChange: (keys) => {
            onSelect(new Map((rows ?? []).filter(({ id }) => keys.has(id)).map((row) => [row.id, row])));
          },
        }}
        empty={empty ?? <EmptyState title="Nothing of this cause is dead any more" />}
        onMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
        isLoadingMore={query.isFetchingNextPage}
      />
    </div>
  );
}

function Result({ row, replaying }: { row: Delivery; replaying: RowTableProps["replaying"] }) {
  const replay = replaying.replays.get(row.id);
  if (replay !== undefined) return <ReplayResult replay={replay} />;
  return (
    <ActionButton
      needs="operate"
      size="compact-xs"
      onClick={() => {
        replaying.replay([row]);
      }}
    >
      Replay
    </ActionButton>
  );
}
