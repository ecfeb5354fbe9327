import type { Column } from "@/ui/DataTable";
import { Time } from "@/ui/Time";
import classes from "./Audit.module.css";
import { sentence, type AuditEntry } from "./sentences";

/** The columns of the audit log. */
export function auditColumns(onActor: (actor: string) => void): Column<AuditEntry>[] {
  return [
    {
      key: "what",
      header: "What",
      render: (entry) => <span className={classes.what}>{sentence(entry)}</span>,
    },
    {
      key: "who",
      header: "Who",
      width: "clamp(84px, 18vw, 260px)",
      render: ({ actor }) => (
        <button
          type="button"
          className={classes.actor}
          title={`Only what ${actor} did`}
          onClick={() => {
            onActor(actor);
          }}
        >
          {actor}
        </button>
      ),
    },
    {
      key: "action",
      header: "Action",
      width: 170,
      secondary: true,
      render: ({ action }) => <span className={classes.action}>{action}</span>,
    },
    {
      key: "at",
      header: "When",
      width: "clamp(98px, 8vw, 110px)",
      align: "right",
      render: ({ at }) => <Time at={at} />,
    },
  ];
}
