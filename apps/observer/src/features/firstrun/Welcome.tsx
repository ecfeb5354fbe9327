"use client";

import { parseAsBoolean, parseAsString, useQueryStates } from "nuqs";
import { useState } from "react";
import { useRoster } from "@/features/agents/queries";
import { useMappings } from "@/features/mappings/queries";
import { useOverview } from "@/features/overview/queries";
import { useConnections, useIntegrations } from "@/features/settings/connections/queries";
import { usePermission } from "@/lib/me";
import { ErrorState } from "@/ui/ErrorState";
import { lazily } from "@/ui/lazily";
import { LiveDot } from "@/ui/LiveDot";
import { Notice } from "@/ui/Notice";
import { Page } from "@/ui/Page";
import { SkeletonRows } from "@/ui/Skeletons";
import { Done } from "./Done";
import { Progress } from "./Progress";
import { StepCard } from "./StepCard";
import { doneWords, StepBody } from "./StepBody";
import { STEPS, isDone, isSetUp, nextStep, type Step } from "./steps";
import classes from "./Welcome.module.css";

const CreateAgentDialog = lazily(() =>
  import("@/features/agents/CreateAgentDialog").then((file) => file.CreateAgentDialog),
);
const ConnectDrawer = lazily(() =>
  import("@/features/settings/connections/ConnectDrawer").then((file) => file.ConnectDrawer),
);

const MINUTES = 60;
/** Each step ticks by itself soon after it was done, wherever that was. */
const REFRESH_MS = 3000;

/** Leads by the hand from nothing to the first mirrored task. */
export function Welcome() {
  const [{ connect, agent }, setOpen] = useQueryStates(
    { connect: parseAsString, agent: parseAsBoolean.withDefault(false) },
    { history: "push" },
  );
  const overview = useOverview(MINUTES, REFRESH_MS);
  const integrations = useIntegrations();
  const connections = useConnections();
  const roster = useRoster();
  const mappings = useMappings();
  const { allowed: isAdmin, why } = usePermission("write");
  const [chosen, setChosen] = useState<{ step: Step; after: Step | null } | null>(null);

  const firstRun = overview.data?.first_run;
  if (overview.data === undefined || firstRun === undefined) {
    return (
      <Page title="Welcome" purpose="From nothing to the first task in your channel.">
        {overview.error === null ? (
          <SkeletonRows rows={6} />
        ) : (
          <ErrorState
            title="How far you are could not be read"
            error={overview.error}
            onRetry={() => void overview.refetch()}
          />
        )}
      </Page>
    );
  }
  const next = nextStep(firstRun);
  // What somebody opened stays open until a step is done: then the next one is at hand.
  const open = chosen !== null && chosen.after === next ? chosen.step : next;
  const facts = {
    firstRun,
    vendors: overview.data.vendors,
    agents: roster.data?.items ?? [],
    mappings: mappings.data?.items ?? [],
  };
  return (
    <Page title="Welcome" purpose="From nothing to the first task in your channel." badge={<LiveDot />}>
      <div className={classes.way}>
        {isSetUp(firstRun) ? (
          <Done taskId={firstRun.mirrored_task_id ?? null} />
        ) : (
          <Progress firstRun={firstRun} />
        )}
        {!isAdmin && why !== null && !isSetUp(firstRun) && (
          <Notice tone="active" title="An admin has to do some of this">
            {why} You can watch here how far they are.
          </Notice>
        )}
        <ol className={classes.steps}>
          {STEPS.map((step, index) => (
            <StepCard
              key={step}
              step={step}
              number={index + 1}
              isDone={isDone(step, firstRun)}
              isNext={step === next}
              isOpen={step === open && !isDone(step, firstRun)}
              words={doneWords(step, facts)}
              onOpen={() => {
                setChosen({ step, after: next });
              }}
            >
              <StepBody
                step={step}
                facts={facts}
                onConnect={(vendor) => void setOpen({ connect: vendor })}
                onCreateAgent={() => void setOpen({ agent: true })}
              />
            </StepCard>
          ))}
        </ol>
      </div>
      <ConnectDrawer
        vendor={isAdmin ? connect : null}
        integrations={integrations.data?.items}
        renew={null}
        connections={connections.data?.items ?? []}
        onClose={() => {
          void setOpen({ connect: null });
          void overview.refetch();
        }}
      />
      <CreateAgentDialog
        opened={agent && isAdmin}
        agents={facts.agents}
        onClose={() => void setOpen({ agent: null })}
        onDone={() => {
          void setOpen({ agent: null });
          void overview.refetch();
        }}
      />
    </Page>
  );
}
