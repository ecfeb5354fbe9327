"use client";

import { Tabs } from "@mantine/core";
import { useState } from "react";
import { useHotkey } from "@/lib/keys";
import { DetailDrawer } from "@/ui/DetailDrawer";
import { ErrorState } from "@/ui/ErrorState";
import { SkeletonText } from "@/ui/Skeletons";
import { Conversation } from "./Conversation";
import { useOpenTaskEvents } from "./live";
import type { Row } from "./paging";
import { TABS, type Tab } from "./params";
import { useTask } from "./queries";
import { TaskActions } from "./TaskActions";
import { TaskFacts } from "./TaskFacts";
import { Timeline } from "./timeline/Timeline";
import { Why } from "./Why";

const DRAWER_PX = 860;
const LABELS: Record<Tab, string> = { timeline: "Timeline", conversation: "Conversation", why: "Why" };

export interface TaskDrawerProps {
  /** Of a task, or of a conversation; null while none is open. */
  id: string | null;
  tab: Tab;
  onTab: (tab: Tab) => void;
  /** Goes to the next or previous task of the list. */
  onStep: (step: 1 | -1) => void;
  onClose: () => void;
}

/** A task as a whole, from the right. */
export function TaskDrawer({ id: openId, tab, onTab, onStep, onClose }: TaskDrawerProps) {
  const [id, setId] = useState(openId);
  // While it slides away, what was in it stays.
  if (openId !== null && openId !== id) setId(openId);
  const isOpen = openId !== null;
  const { data: task, error, refetch } = useTask(id);
  useOpenTaskEvents(id, task);
  const step = (by: 1 | -1) => () => {
    onStep(by);
  };
  useHotkey("j", "Next task", "This page", step(1), !isOpen);
  useHotkey("k", "Previous task", "This page", step(-1), !isOpen);
  return (
    <DetailDrawer
      opened={isOpen}
      onClose={onClose}
      size={DRAWER_PX}
      title={task?.title ?? (error === null ? "Task" : "No such task")}
      subtitle={task && <TaskFacts task={task} />}
      actions={task && <TaskActions key={task.id} task={task} />}
    >
      {id !== null && task !== undefined ? (
        <TaskTabs key={id} id={id} task={task} tab={tab} onTab={onTab} />
      ) : error === null ? (
        <SkeletonText lines={6} />
      ) : (
        <ErrorState title="The task could not be read" error={error} onRetry={() => void refetch()} />
      )}
    </DetailDrawer>
  );
}

interface TaskTabsProps {
  id: string;
  task: Row;
  tab: Tab;
  onTab: (tab: Tab) => void;
}

function TaskTabs({ id, task, tab, onTab }: TaskTabsProps) {
  return (
    <Tabs
      value={tab}
      keepMounted={false}
      onChange={(value) => {
        const wanted = TABS.find((each) => each === value);
        if (wanted !== undefined) onTab(wanted);
      }}
    >
      <Tabs.List mb="md">
        {TABS.map((each) => (
          <Tabs.Tab key={each} value={each}>
            {LABELS[each]}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="timeline">
        <Timeline id={id} task={task} />
      </Tabs.Panel>
      <Tabs.Panel value="conversation">
        <Conversation id={id} />
      </Tabs.Panel>
      <Tabs.Panel value="why">
        <Why id={id} />
      </Tabs.Panel>
    </Tabs>
  );
}
