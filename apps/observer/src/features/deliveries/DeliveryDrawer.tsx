"use client";

import { Button } from "@mantine/core";
import type { Route } from "next";
import Link from "next/link";
import { useHeld } from "@/lib/held";
import { ActionButton } from "@/ui/ActionButton";
import { DetailDrawer } from "@/ui/DetailDrawer";
import { ErrorState } from "@/ui/ErrorState";
import { Id } from "@/ui/Id";
import { SkeletonText } from "@/ui/Skeletons";
import { StatusBadge } from "@/ui/StatusBadge";
import { Time } from "@/ui/Time";
import { DeliveryDetail } from "./DeliveryDetail";
import { useDelivery } from "./queries";
import type { useReplay } from "./useReplay";
import { deliveryLook, isMoving, whatItIs } from "./words";

export interface DeliveryDrawerProps {
  id: string | null;
  replaying: ReturnType<typeof useReplay>;
  onClose: () => void;
}

/** One delivery: why it is as it is, each try, what it carries. */
export function DeliveryDrawer({ id: openId, replaying, onClose }: DeliveryDrawerProps) {
  const id = useHeld(openId);
  const { data, error, refetch } = useDelivery(id);
  // A conversation leads to its latest task.
  const taskId = data === undefined ? null : (data.task_id ?? data.conversation_id);
  const isAsked = id !== null && replaying.replays.get(id)?.grant === "asked";
  return (
    <DetailDrawer
      opened={openId !== null}
      onClose={onClose}
      title={data === undefined ? "Delivery" : (data.title ?? whatItIs(data))}
      subtitle={
        data !== undefined && (
          <>
            <StatusBadge look={deliveryLook(data)} pulse={isMoving(data)} />
            <span>{whatItIs(data)}</span>
            <Time at={data.updated_at} />
            <Id value={data.id} what="delivery id" />
          </>
        )
      }
      actions={
        data !== undefined && (
          <>
            <ActionButton
              needs="operate"
              variant="filled"
              hotkey="r"
              hotkeyLabel="Replay this dead letter"
              loading={isAsked}
              disabledWhy={data.state === "dead" ? null : "It is not dead, so there is nothing to replay."}
              onClick={() => {
                replaying.replay([data]);
              }}
            >
              Replay
            </ActionButton>
            {taskId !== null && (
              <Button component={Link} href={`/tasks?task=${encodeURIComponent(taskId)}` as Route}>
                Open its task
              </Button>
            )}
          </>
        )
      }
    >
      {data !== undefined ? (
        <DeliveryDetail delivery={data} />
      ) : error !== null ? (
        <ErrorState title="This delivery could not be read" error={error} onRetry={() => void refetch()} />
      ) : (
        <SkeletonText lines={10} />
      )}
    </DetailDrawer>
  );
}
