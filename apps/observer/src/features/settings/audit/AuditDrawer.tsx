"use client";

import { Button } from "@mantine/core";
import type { Route } from "next";
import Link from "next/link";
import { useHeld } from "@/lib/held";
import { CopyButton } from "@/ui/CopyButton";
import { DetailDrawer } from "@/ui/DetailDrawer";
import { JsonView } from "@/ui/JsonView";
import { Time } from "@/ui/Time";
import classes from "./Audit.module.css";
import { placeOf, sentence, type AuditEntry } from "./sentences";

/** One act with everything that was written down about it. */
export function AuditDrawer({ entry: open, onClose }: { entry: AuditEntry | null; onClose: () => void }) {
  const entry = useHeld(open);
  const place = entry && placeOf(entry);
  return (
    <DetailDrawer
      opened={open !== null}
      onClose={onClose}
      size={520}
      title={entry === null ? "" : `${entry.actor} ${sentence(entry)}`}
      subtitle={entry !== null && <Time at={entry.at} />}
      actions={
        place === null ? undefined : (
          <Button component={Link} href={place as Route}>
            Show it
          </Button>
        )
      }
    >
      {entry !== null && (
        <>
          <dl className={classes.facts}>
            <dt>Who</dt>
            <dd>{entry.actor}</dd>
            <dt>Action</dt>
            <dd className="mono">{entry.action}</dd>
            <dt>Object</dt>
            <dd>
              <span className="mono">{entry.object}</span>
              <CopyButton value={entry.object} what="object" />
            </dd>
            <dt>Entry</dt>
            <dd>
              <span className="mono">{entry.id}</span>
              <CopyButton value={entry.id} what="entry id" />
            </dd>
          </dl>
          <JsonView value={entry.data} what="details" />
        </>
      )}
    </DetailDrawer>
  );
}
