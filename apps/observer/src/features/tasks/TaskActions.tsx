"use client";

import { Button } from "@mantine/core";
import { IconPlayerStop, IconTerminal2 } from "@tabler/icons-react";
import Link from "next/link";
import { ConfirmButton } from "@/ui/ConfirmButton";
import { useCancelTask } from "./actions";
import { isOver, type Task } from "./params";
import { ReassignMenu } from "./ReassignMenu";

const TITLE_CHARS = 48;

/** What can be done with a task. */
export function TaskActions({ task }: { task: Task }) {
  const cancel = useCancelTask();
  const why = whyNot(task);
  const name = `“${shortened(task.title)}”`;
  return (
    <>
      <ConfirmButton
        needs="operate"
        disabledWhy={why}
        loading={cancel.isPending}
        color="red"
        variant="light"
        leftSection={<IconPlayerStop size={14} />}
        confirmation={{
          title: `Stop ${name}?`,
          children: `${task.agent === null ? "No agent will be asked any more" : `From now on nothing that ${task.agent} does for it has an effect, and the agent is told to stop`}. People see on the card that you stopped it. It cannot be started again, only asked for anew.`,
          confirm: `Stop ${name}`,
          onConfirm: () => {
            cancel.mutate(task);
          },
        }}
      >
        Stop task
      </ConfirmButton>
      <ReassignMenu task={task} disabledWhy={why} />
      <Button
        ml="auto"
        component={Link}
        href={`/feed?task=${encodeURIComponent(task.id)}`}
        leftSection={<IconTerminal2 size={14} />}
      >
        Lines in the feed
      </Button>
    </>
  );
}

function whyNot(task: Task): string | null {
  if (task.state === null) return "No agent was asked yet: link its list to a channel first.";
  return isOver(task) ? "It is over already." : null;
}

function shortened(title: string): string {
  return title.length <= TITLE_CHARS ? title : `${title.slice(0, TITLE_CHARS - 1)}…`;
}
