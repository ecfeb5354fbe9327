"use client";

import { Stack } from "@mantine/core";
import { useState } from "react";
import { SetupCard } from "@/features/firstrun/SetupCard";
import { WelcomeOnce } from "@/features/firstrun/WelcomeOnce";
import { ErrorState } from "@/ui/ErrorState";
import { LiveDot } from "@/ui/LiveDot";
import { Page } from "@/ui/Page";
import { Synced } from "@/ui/Synced";
import { number } from "@/ui/words";
import { Charts } from "./Charts";
import { Figures } from "./Figures";
import { HealthCards } from "./HealthCards";
import { OverviewSkeleton } from "./OverviewSkeleton";
import { useOverviewLive } from "./live";
import { useOverview } from "./queries";
import { minutesToRead, rangeWords } from "./range";
import { RangeControl } from "./RangeControl";
import { useView } from "./useView";
import type { Overview as OverviewModel } from "./verdict";
import { VerdictPanel } from "./Verdict";

/** Is everything all right? In five seconds. */
export function Overview() {
  const view = useView();
  const [{ range, zoom }, setView] = view;
  const [openedAt] = useState(() => Date.now() / 1000);
  const { data, error, isPlaceholderData, isRefetchError, refetch } = useOverview(
    minutesToRead(range, zoom, openedAt),
  );
  useOverviewLive();
  const retry = () => void refetch();
  return (
    <Page
      title="Overview"
      purpose="Is everything all right?"
      badge={<LiveDot />}
      actions={
        <>
          {isRefetchError && <Synced at={data?.generated_at} failed word="read" onRetry={retry} />}
          <RangeControl value={range} onChange={(chosen) => void setView({ range: chosen, zoom: null })} />
        </>
      }
    >
      {data !== undefined ? (
        <Stack gap={18}>
          <WelcomeOnce firstRun={data.first_run} />
          <SetupCard firstRun={data.first_run} />
          <VerdictPanel overview={data} summary={summaryOf(data, rangeWords(range))} />
          <Figures overview={data} when={rangeWords(range)} />
          <HealthCards overview={data} />
          <Charts overview={data} view={view} isOld={isPlaceholderData} />
        </Stack>
      ) : error !== null ? (
        <ErrorState title="The overview could not be read" error={error} onRetry={retry} />
      ) : (
        <OverviewSkeleton />
      )}
    </Page>
  );
}

function summaryOf({ throughput }: OverviewModel, when: string): string {
  const { received, delivered, failed } = throughput;
  if (received + delivered + failed === 0) return `Nothing came in during the ${when}.`;
  return `${number(received)} came in, ${number(delivered)} delivered, ${number(failed)} failed in the ${when}.`;
}
