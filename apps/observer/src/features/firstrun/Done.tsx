"use client";

import { Button } from "@mantine/core";
import { IconConfetti } from "@tabler/icons-react";
import type { Route } from "next";
import Link from "next/link";
import classes from "./Welcome.module.css";

/** The end of the way, and where to go from there. */
export function Done({ taskId }: { taskId: string | null }) {
  return (
    <section className={classes.end} aria-labelledby="set-up" role="status">
      <IconConfetti size={26} stroke={1.6} aria-hidden className={classes.confetti} />
      <div className={classes.endWords}>
        <h2 id="set-up">You are set up</h2>
        <p>
          Your first task went from ClickUp to Slack and to an agent. From here on, the overview tells whether
          all is well.
        </p>
      </div>
      <div className={classes.endActions}>
        {taskId !== null && (
          <Button component={Link} href={`/tasks?task=${encodeURIComponent(taskId)}` as Route}>
            See that task
          </Button>
        )}
        <Button component={Link} href="/settings/people">
          Invite people
        </Button>
        <Button component={Link} href="/overview" variant="filled">
          Go to the overview
        </Button>
      </div>
    </section>
  );
}
