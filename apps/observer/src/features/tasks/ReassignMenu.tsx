"use client";

import { Menu } from "@mantine/core";
import { IconArrowsShuffle, IconChevronUp } from "@tabler/icons-react";
import { useState } from "react";
import { useRoster } from "@/features/agents/queries";
import { ActionButton } from "@/ui/ActionButton";
import { stateLook } from "@/ui/states";
import { StatusBadge } from "@/ui/StatusBadge";
import { useReassignTask } from "./actions";
import type { Task } from "./params";
import { choicesFor } from "./reassigning";
import classes from "./Tasks.module.css";

/** Gives a task to another agent, or to whoever is free. */
export function ReassignMenu({ task, disabledWhy }: { task: Task; disabledWhy: string | null }) {
  const [isOpen, setOpen] = useState(false);
  const { data: roster } = useRoster();
  const reassign = useReassignTask();
  const choices = choicesFor(task, roster?.items ?? []);
  const give = (agent: string | null) => () => {
    reassign.mutate({ task, agent });
  };
  return (
    <Menu
      opened={isOpen}
      onChange={setOpen}
      position="top-start"
      width={320}
      withinPortal={false}
      withInitialFocusPlaceholder={false}
    >
      <Menu.Target>
        <ActionButton
          needs="operate"
          disabledWhy={disabledWhy}
          loading={reassign.isPending}
          leftSection={<IconArrowsShuffle size={14} />}
          rightSection={<IconChevronUp size={14} />}
          onClick={() => {
            setOpen(!isOpen);
          }}
        >
          Give to another agent
        </ActionButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={give(null)}>Whoever is free</Menu.Item>
        <Menu.Divider />
        <Menu.Label>
          {choices.length === 0
            ? "There is no other agent"
            : `Only this agent is offered it, as @${task.alias}`}
        </Menu.Label>
        <div className={classes.choices}>
          {choices.map(({ name, online, status, whyNot }) => (
            <Menu.Item key={name} disabled={whyNot !== null} onClick={give(name)}>
              <span className={classes.choice}>
                <span className="truncate">{name}</span>
                {whyNot === null ? (
                  <StatusBadge
                    plain
                    look={{ label: status, tone: stateLook(online ? "online" : "offline").tone }}
                  />
                ) : (
                  <span className={classes.whyNot}>{whyNot}</span>
                )}
              </span>
            </Menu.Item>
          ))}
        </div>
      </Menu.Dropdown>
    </Menu>
  );
}
