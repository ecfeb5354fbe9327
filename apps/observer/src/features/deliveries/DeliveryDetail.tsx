"use client";

import { Anchor } from "@mantine/core";
import { IconExternalLink } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { Model } from "@/lib/api/client";
import { useTraceUrl } from "@/lib/config";
import { Id } from "@/ui/Id";
import { JsonView } from "@/ui/JsonView";
import { SkeletonText } from "@/ui/Skeletons";
import { Time } from "@/ui/Time";
import { Attempts } from "./Attempts";
import classes from "./DeliveryDetail.module.css";
import { useExplanation } from "./queries";
import { traceIdOf } from "./words";

/** What is in the drawer of a delivery. */
export function DeliveryDetail({ delivery }: { delivery: Model<"DeliveryDetail"> }) {
  const traceId = traceIdOf(delivery.traceparent);
  const traceUrl = useTraceUrl(traceId);
  return (
    <div className={classes.parts}>
      <Why delivery={delivery} />
      <Part title="Tries" aside={`${delivery.attempts} in all`}>
        <Attempts delivery={delivery} />
      </Part>
      <Part title="Facts">
        <dl className={classes.facts}>
          <Fact name="Accepted">
            <Time at={delivery.created_at} />
          </Fact>
          {delivery.external_id !== null && (
            <Fact name="Id there">
              <Id value={delivery.external_id} what="id at the vendor" />
            </Fact>
          )}
          {delivery.conversation_id !== null && (
            <Fact name="Conversation">
              <Id value={delivery.conversation_id} what="conversation id" />
            </Fact>
          )}
          {traceId !== null && (
            <Fact name="Trace">
              <Id value={traceId} what="trace id" />
              {traceUrl !== null && (
                <Anchor href={traceUrl} target="_blank" rel="noreferrer" size="sm">
                  Open <IconExternalLink size={12} aria-hidden />
                </Anchor>
              )}
            </Fact>
          )}
        </dl>
      </Part>
      <Part title="Payload" aside="Secrets are shown as ••••">
        <JsonView value={delivery.payload} what="payload" />
      </Part>
    </div>
  );
}

function Why({ delivery: { id, state, reason } }: { delivery: Model<"DeliveryDetail"> }) {
  const { data, isPending } = useExplanation(id, state);
  if (isPending) return <SkeletonText lines={2} />;
  const summary = data?.summary ?? reason;
  return summary ? (
    <p className={classes.why} data-dead={state === "dead" || undefined}>
      {summary}
    </p>
  ) : null;
}

function Part({ title, aside, children }: { title: string; aside?: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <div className={classes.head}>
        <h3 className={classes.title}>{title}</h3>
        {aside !== undefined && <span className={classes.aside}>{aside}</span>}
      </div>
      {children}
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
