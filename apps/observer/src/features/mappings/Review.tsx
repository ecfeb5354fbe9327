"use client";

import { Checkbox, Group, Modal, Progress, Text } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { IconAlertTriangle, IconArrowRight, IconCheck } from "@tabler/icons-react";
import { useState } from "react";
import { ActionButton } from "@/ui/ActionButton";
import { counted } from "@/ui/words";
import type { ListRow } from "./boardModel";
import classes from "./Review.module.css";
import { useBulk, type Proposal } from "./useBulk";

export interface ReviewProps {
  opened: boolean;
  onClose: () => void;
  lists: readonly ListRow[];
}

const ROW_PX = 40;

/** All suggestions, to be looked through and then linked at once. */
export function Review({ opened, onClose, lists }: ReviewProps) {
  return (
    <Modal opened={opened} onClose={onClose} size="xl" title="Suggestions by name">
      <Suggestions lists={lists} onClose={onClose} />
    </Modal>
  );
}

function Suggestions({ lists, onClose }: Omit<ReviewProps, "opened">) {
  // As they were when the dialog opened: a list that is linked meanwhile shows its result instead of going away.
  const [proposals] = useState(() => proposalsOf(lists));
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const bulk = useBulk(onClose);
  const chosen = proposals.filter(({ list }) => !left.has(list.id) && !bulk.results.has(list.id));
  const isDone = bulk.results.size > 0 && !bulk.isRunning;

  function toggle(id: string): void {
    setLeft((before) => {
      const after = new Set(before);
      if (!after.delete(id)) after.add(id);
      return after;
    });
  }

  return (
    <>
      <Text size="sm" c="dimmed">
        Each list with the channel that goes by its name. Take out what is wrong; the rest is linked, and
        replies that begin with !sync go to ClickUp.
      </Text>
      <Checkbox
        size="xs"
        my="sm"
        pl={13}
        label={`${chosen.length} of ${counted(proposals.length, "suggestion")} chosen`}
        checked={left.size === 0}
        indeterminate={left.size > 0 && left.size < proposals.length}
        disabled={bulk.isRunning || isDone}
        onChange={() => {
          setLeft(left.size === 0 ? new Set(proposals.map(({ list }) => list.id)) : new Set());
        }}
      />
      <Proposals
        proposals={proposals}
        left={left}
        results={bulk.results}
        onToggle={bulk.isRunning ? undefined : toggle}
      />
      {bulk.isRunning && (
        <Progress
          value={(100 * bulk.results.size) / bulk.total}
          size="xs"
          mt="sm"
          aria-label="Linked so far"
        />
      )}
      <Group justify="flex-end" gap="xs" mt="md">
        <span role="status" className={classes.status}>
          {bulk.summary}
        </span>
        <ActionButton onClick={bulk.isRunning ? bulk.stop : onClose}>
          {bulk.isRunning ? "Stop" : isDone ? "Close" : "Cancel"}
        </ActionButton>
        <ActionButton
          variant="filled"
          needs="operate"
          loading={bulk.isRunning}
          disabledWhy={chosen.length === 0 ? "Nothing is chosen." : null}
          onClick={() => {
            bulk.run(chosen);
          }}
        >
          {`Link ${counted(chosen.length, "list")}`}
        </ActionButton>
      </Group>
    </>
  );
}

function Proposals({
  proposals,
  left,
  results,
  onToggle,
}: {
  proposals: readonly Proposal[];
  left: ReadonlySet<string>;
  results: ReadonlyMap<string, string | null>;
  onToggle?: (id: string) => void;
}) {
  const [frame, setFrame] = useState<HTMLElement | null>(null);
  // eslint-disable-next-line react-hooks/incompatible-library -- its functions are not given to memoised components
  const virtual = useVirtualizer({
    count: proposals.length,
    getScrollElement: () => frame,
    estimateSize: () => ROW_PX,
    overscan: 8,
  });
  return (
    <div ref={setFrame} className={classes.frame}>
      <div className={classes.rows} style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const proposal = proposals[index];
          if (proposal === undefined) return null;
          const { list, channel } = proposal;
          const result = results.get(list.id);
          return (
            <label
              key={list.id}
              className={classes.row}
              style={{ height: ROW_PX, transform: `translateY(${start}px)` }}
              data-left={left.has(list.id) || undefined}
            >
              <input
                type="checkbox"
                checked={!left.has(list.id)}
                disabled={onToggle === undefined || result !== undefined}
                onChange={() => {
                  onToggle?.(list.id);
                }}
              />
              <span className={classes.list} title={list.group}>
                {list.name}
              </span>
              <IconArrowRight size={14} className={classes.arrow} aria-label="to" />
              <span className={classes.channel}>
                #{channel.name}
                {list.suggestion?.isMember === false && (
                  <span className={classes.note}> not a member yet</span>
                )}
              </span>
              <span className={classes.result}>
                {result === null && <IconCheck size={15} color="var(--obs-ok)" aria-label="linked" />}
                {typeof result === "string" && (
                  <span className={classes.failed} title={result}>
                    <IconAlertTriangle size={14} aria-hidden /> {result}
                  </span>
                )}
              </span>
            </label>
          );
        })}
      </div>
    </div>
  );
}

function proposalsOf(lists: readonly ListRow[]): Proposal[] {
  return lists.flatMap((list) => {
    const { suggestion } = list;
    if (suggestion === null) return [];
    return [{ list, channel: { id: suggestion.channelId, name: suggestion.channelName } }];
  });
}
