import { Anchor, Group } from "@mantine/core";
import { IconExternalLink } from "@tabler/icons-react";
import Link from "next/link";
import { useTraceUrl } from "@/lib/config";
import { exact } from "@/lib/time";
import { JsonView } from "@/ui/JsonView";
import { Id } from "@/ui/Id";
import { Time } from "@/ui/Time";
import { stateLook } from "@/ui/states";
import { StatusBadge } from "@/ui/StatusBadge";
import type { Entry } from "../detail-queries";
import { textOf } from "./hop-words";
import { reasonOf, type Hop } from "./hops";
import classes from "./HopDetail.module.css";

/** All that is known of one hop: why, each try, where it leads. */
export function HopDetail({ hop, entry }: { hop: Hop; entry: Entry }) {
  const trace = useTraceUrl(entry.trace_id);
  const reason = reasonOf(entry);
  const isSaidByTry = entry.attempts.some((attempt) => attempt.reason === reason);
  const deliveryId = textOf(entry, "delivery_id");
  return (
    <div className={classes.detail}>
      {reason !== null && !isSaidByTry && <p className={classes.reason}>{reason}</p>}
      <dl className={classes.facts}>
        <div>
          <dt>Began</dt>
          <dd>{exact(hop.start)}</dd>
        </div>
        {hop.end > hop.start && !hop.isOpen && (
          <div>
            <dt>Ended</dt>
            <dd>{exact(hop.end)}</dd>
          </div>
        )}
        {deliveryId !== null && (
          <div>
            <dt>Delivery</dt>
            <dd>
              <Id value={deliveryId} what="delivery id" />
            </dd>
          </div>
        )}
      </dl>
      {entry.attempts.length > 0 && <Attempts attempts={entry.attempts} />}
      <JsonView value={entry.data} what="JSON of the step" maxHeight={240} />
      <Group gap={16} mt={8}>
        {deliveryId !== null && entry.kind.endsWith(".dead") && (
          <Anchor
            component={Link}
            size="sm"
            href={`/dead-letters?delivery=${encodeURIComponent(deliveryId)}`}
          >
            Open the dead letter
          </Anchor>
        )}
        {trace !== null && (
          <Anchor size="sm" href={trace} target="_blank" rel="noreferrer">
            Trace <IconExternalLink size={12} />
          </Anchor>
        )}
      </Group>
    </div>
  );
}

function Attempts({ attempts }: { attempts: Entry["attempts"] }) {
  return (
    <ol className={classes.attempts} aria-label="Tries">
      {attempts.map(({ at, outcome, reason }, index) => (
        <li key={`${at}-${index}`}>
          <span className={classes.number}>{index + 1}</span>
          <StatusBadge look={attemptLook(outcome)} plain />
          <span className={classes.why}>{reason}</span>
          <Time at={at} />
        </li>
      ))}
    </ol>
  );
}

function attemptLook(outcome: string) {
  switch (outcome) {
    case "retry":
      return { label: "Tried again later", tone: "waiting" } as const;
    case "deferred":
      return { label: "Put off", tone: "waiting" } as const;
    case "unsure":
      return { label: "Not sure that it arrived", tone: "waiting" } as const;
    case "replayed":
      return { label: "Replayed", tone: "active" } as const;
    default:
      return stateLook(outcome);
  }
}
