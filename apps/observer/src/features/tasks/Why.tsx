"use client";

import type { Model } from "@/lib/api/client";
import { DataTable, type Column } from "@/ui/DataTable";
import { ErrorState } from "@/ui/ErrorState";
import { SkeletonText } from "@/ui/Skeletons";
import { StatusBadge } from "@/ui/StatusBadge";
import { Time } from "@/ui/Time";
import { useExplanation } from "./detail-queries";
import classes from "./Why.module.css";

type Candidate = Model<"CandidateVerdict">;

const COLUMNS: Column<Candidate>[] = [
  { key: "agent", header: "Agent", render: ({ agent }) => agent },
  {
    key: "process",
    header: "Process",
    secondary: true,
    render: ({ instance }) => <span className="mono">{instance ?? "–"}</span>,
  },
  {
    key: "verdict",
    header: "Can it take the task now?",
    render: ({ eligible, reason }) => (
      <StatusBadge
        plain
        look={eligible ? { label: "Yes", tone: "ok" } : { label: `No: ${reason}`, tone: "waiting" }}
      />
    ),
  },
];

/** Why a task is where it is, in words: what is going on, how it came there, who could do it. */
export function Why({ id }: { id: string }) {
  const { data, error, refetch } = useExplanation(id);
  if (data === undefined) {
    return error === null ? (
      <SkeletonText lines={5} />
    ) : (
      <ErrorState title="There is no explanation" error={error} onRetry={() => void refetch()} />
    );
  }
  const { summary, steps = [], candidates = [] } = data;
  return (
    <div className={classes.why}>
      <p className={classes.summary}>{summary}</p>
      {steps.length > 0 && (
        <section>
          <h3 className={classes.heading}>How it came here</h3>
          <ol className={classes.steps}>
            {steps.map(({ at, text }, index) => (
              <li key={index}>
                <span>{text}</span>
                {at && <Time at={at} />}
              </li>
            ))}
          </ol>
        </section>
      )}
      {candidates.length > 0 && (
        <section>
          <h3 className={classes.heading}>Who could do it</h3>
          <DataTable
            label="Agents behind the name"
            columns={COLUMNS}
            rows={candidates}
            rowKey={({ agent, instance }) => `${agent} ${instance ?? ""}`}
          />
        </section>
      )}
    </div>
  );
}
