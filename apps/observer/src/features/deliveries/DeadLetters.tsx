"use client";

import { Button, Text } from "@mantine/core";
import { IconSearchOff } from "@tabler/icons-react";
import { parseAsString, useQueryStates } from "nuqs";
import { useState } from "react";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { FilterInput } from "@/ui/FilterInput";
import { LiveDot } from "@/ui/LiveDot";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/Skeletons";
import { Synced } from "@/ui/Synced";
import { lazily } from "@/ui/lazily";
import { counted } from "@/ui/words";
import { CauseList } from "./CauseList";
import { useDeadLettersLive } from "./live";
import { NoDeadLetters } from "./NoDeadLetters";
import { useGroups } from "./queries";
import { ReplayAll } from "./ReplayAll";
import { inPlace } from "./replays";
import { RowTable } from "./RowTable";
import { SelectionBar } from "./SelectionBar";
import { useReplay } from "./useReplay";
import { deadLetters, type Delivery } from "./words";

const DeliveryDrawer = lazily(() => import("./DeliveryDrawer").then((file) => file.DeliveryDrawer));

const MIN_SEARCH_CHARS = 2;

/** What could not be delivered, by cause; each can be looked into and tried again. */
export function DeadLetters() {
  const [view, setView] = useQueryStates({
    cause: parseAsString,
    delivery: parseAsString,
    q: parseAsString.withDefault(""),
  });
  const [selected, setSelected] = useState<ReadonlyMap<string, Delivery>>(new Map());
  const groups = useGroups();
  const replaying = useReplay();
  useDeadLettersLive();

  const found = groups.data?.items;
  const total = found?.reduce((sum, { count }) => sum + count, 0);
  const causes = found && inPlace(found, replaying.seen, replaying.replays);
  const q = view.q.trim();
  const isSearch = q.length >= MIN_SEARCH_CHARS;
  const table = {
    replaying,
    selected,
    onSelect: setSelected,
    openId: view.delivery,
    onOpen: (id: string) => void setView({ delivery: id }, { history: "push" }),
  };

  return (
    <Page
      title="Dead letters"
      purpose="What could not be delivered, by cause."
      badge={<LiveDot />}
      actions={
        <>
          {groups.isRefetchError && (
            <Synced
              at={new Date(groups.dataUpdatedAt).toISOString()}
              failed
              word="read"
              onRetry={() => void groups.refetch()}
            />
          )}
          <FilterInput
            label="Search reasons, titles, ids"
            width={250}
            value={view.q}
            onChange={(value) => {
              setSelected(new Map());
              void setView({ q: value === "" ? null : value });
            }}
          />
          <ReplayAll count={total ?? 0} replaying={replaying} />
        </>
      }
      footer={
        selected.size === 0 ? undefined : (
          <SelectionBar
            rows={[...selected.values()]}
            replaying={replaying}
            onClear={() => {
              setSelected(new Map());
            }}
          />
        )
      }
    >
      {groups.isLoadingError ? (
        <Panel>
          <ErrorState
            title="The dead letters could not be read"
            error={groups.error}
            onRetry={() => void groups.refetch()}
          />
        </Panel>
      ) : causes === undefined ? (
        <Panel flush>
          <SkeletonRows />
        </Panel>
      ) : isSearch ? (
        <Panel flush title={`Matches of “${q}”`}>
          <RowTable
            {...table}
            filter={{ q }}
            withReason
            belongs={(row) => matches(row, q)}
            empty={
              <EmptyState
                icon={<IconSearchOff size={20} />}
                title="No dead letter matches"
                action={<Button onClick={() => void setView({ q: null })}>Clear filters</Button>}
              >
                Looked for “{q}” in the reason, the title of the task and the ids.
              </EmptyState>
            }
          />
        </Panel>
      ) : causes.length === 0 ? (
        <NoDeadLetters />
      ) : (
        <>
          <Text size="sm" c="dimmed" mb={10} role="status">
            {total === 0
              ? "Nothing is dead any more."
              : `${deadLetters(total ?? 0)} of ${counted(found?.length ?? 0, "cause")}`}
          </Text>
          <CauseList
            causes={causes}
            openCause={view.cause}
            onToggle={(fingerprint) => {
              setSelected(new Map());
              void setView({ cause: fingerprint });
            }}
            table={table}
          />
        </>
      )}
      <DeliveryDrawer
        id={view.delivery}
        replaying={replaying}
        onClose={() => void setView({ delivery: null })}
      />
    </Page>
  );
}

function matches({ id, reason, title }: Delivery, q: string): boolean {
  const wanted = q.toLowerCase();
  return [id, reason ?? "", title ?? ""].some((text) => text.toLowerCase().includes(wanted));
}
