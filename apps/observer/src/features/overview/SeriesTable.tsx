"use client";

import { useMemo } from "react";
import { duration } from "@/lib/time";
import { DataTable, type Column } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { Panel } from "@/ui/Panel";
import { number } from "@/ui/words";
import { bucketLabel, type Bucket } from "./range";

/** The charts in figures, the newest first; what was empty is left out. */
export function SeriesTable({ series, step, when }: { series: Bucket[]; step: number; when: string }) {
  const rows = useMemo(
    () => series.filter(({ received, delivered, failed }) => received + delivered + failed > 0).reverse(),
    [series],
  );
  const columns: Column<Bucket>[] = [
    { key: "at", header: "From", render: ({ at }) => <time dateTime={at}>{bucketLabel(at, step)}</time> },
    { key: "received", header: "Came in", align: "right", render: ({ received }) => number(received) },
    { key: "delivered", header: "Delivered", align: "right", render: ({ delivered }) => number(delivered) },
    {
      key: "failed",
      header: "Failed",
      align: "right",
      render: ({ failed }) => (
        <span style={failed > 0 ? { color: "var(--obs-failed)" } : undefined}>{number(failed)}</span>
      ),
    },
    {
      key: "p95",
      header: "p95",
      align: "right",
      render: ({ p95_ms }) => (p95_ms === null ? "–" : duration(p95_ms)),
    },
  ];
  return (
    <Panel flush>
      <DataTable
        label={`History ${when}`}
        columns={columns}
        rows={rows}
        rowKey={({ at }) => at}
        empty={<EmptyState title={`Nothing happened ${when}`} />}
      />
    </Panel>
  );
}
