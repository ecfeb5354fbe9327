import { Anchor } from "@mantine/core";
import Link from "next/link";
import { StatusBadge } from "@/ui/StatusBadge";
import { taskLook } from "@/ui/states";
import classes from "./CurrentTasks.module.css";
import type { Agent } from "./roster";

/** The first task that an agent holds, and how many more. */
export function CurrentTaskLine({ agent, onMore }: { agent: Agent; onMore: () => void }) {
  const [first, ...rest] = agent.current_tasks;
  if (first === undefined) return <span className={classes.none}>–</span>;
  const more = Math.max(rest.length, agent.load - 1);
  return (
    <span className={classes.line}>
      <Anchor component={Link} href={`/tasks?task=${first.id}`} size="sm" className="truncate">
        {first.title}
      </Anchor>
      {more > 0 && (
        <button
          type="button"
          className={classes.more}
          aria-label={`${more} more of ${agent.name}`}
          onClick={onMore}
        >
          +{more}
        </button>
      )}
    </span>
  );
}

/** All that Nexus tells of what an agent holds. */
export function CurrentTaskList({ agent }: { agent: Agent }) {
  if (agent.current_tasks.length === 0)
    return <p className={classes.none}>It holds no task at the moment.</p>;
  return (
    <ul className={classes.list}>
      {agent.current_tasks.map((task) => (
        <li key={task.id} className={classes.entry}>
          <Anchor component={Link} href={`/tasks?task=${task.id}`} size="sm" className="truncate">
            {task.title}
          </Anchor>
          <StatusBadge look={taskLook(task.state)} />
        </li>
      ))}
      {agent.load > agent.current_tasks.length && (
        <li className={classes.none}>and {agent.load - agent.current_tasks.length} more</li>
      )}
    </ul>
  );
}
