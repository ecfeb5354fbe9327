import Link from "next/link";
import { useNow } from "@/lib/clock";
import type { Column } from "@/ui/DataTable";
import { taskLook } from "@/ui/states";
import { StatusBadge } from "@/ui/StatusBadge";
import { Time } from "@/ui/Time";
import type { Row } from "./paging";
import classes from "./Tasks.module.css";
import { stateWords } from "./words";

export const COLUMNS: Column<Row>[] = [
  { key: "title", header: "Task", render: ({ title }) => title },
  {
    key: "state",
    header: "State",
    width: "clamp(172px, 27vw, 380px)",
    render: (task) => <State task={task} />,
  },
  {
    key: "agent",
    header: "Agent",
    width: 110,
    secondary: true,
    render: ({ agent }) => <Agent name={agent} />,
  },
  {
    key: "place",
    header: "List → channel",
    width: 170,
    secondary: true,
    render: (task) => <Place task={task} />,
  },
  {
    key: "updated",
    header: "Changed",
    width: 92,
    align: "right",
    secondary: true,
    render: ({ updated_at }) => <Time at={updated_at} />,
  },
];

function State({ task }: { task: Row }) {
  const now = useNow();
  const words = stateWords(task, now);
  return (
    <span className={classes.state} title={words ?? undefined}>
      <StatusBadge look={taskLook(task.state)} pulse={task.state === "working"} />
      {words !== null && <span className={classes.words}>{words}</span>}
    </span>
  );
}

function Agent({ name }: { name: string | null }) {
  if (name === null) return <span className={classes.nobody}>nobody</span>;
  return (
    <Link href={`/agents?agent=${encodeURIComponent(name)}`} prefetch={false} className={classes.link}>
      {name}
    </Link>
  );
}

function Place({ task: { list_name, list_id, channel_name, mirror } }: { task: Row }) {
  return (
    <span className={classes.place}>
      {list_name ?? list_id}
      {mirror === "addressed, not mapped" ? " → not linked" : channel_name !== null && ` → #${channel_name}`}
    </span>
  );
}
