"use client";

import { Button } from "@mantine/core";
import { useRef } from "react";
import { useHeld } from "@/lib/held";
import { DetailDrawer } from "@/ui/DetailDrawer";
import { EmptyState } from "@/ui/EmptyState";
import { SkeletonText } from "@/ui/Skeletons";
import classes from "./ConnectDrawer.module.css";
import type { Connection, Integration } from "./connecting";
import { ConnectForm } from "./ConnectForm";
import { Connected } from "./Connected";
import { useConnect } from "./queries";
import { VendorSteps } from "./VendorSteps";

export interface ConnectDrawerProps {
  /** Null while nothing is being connected. */
  vendor: string | null;
  /** Undefined until they are known. */
  integrations: Integration[] | undefined;
  /** The id of the connection whose credentials are renewed; null to make a new one. */
  renew: string | null;
  connections: Connection[];
  onClose: () => void;
}

/** Leads through connecting a vendor: what to do there, what to enter here, and whether it works. */
export function ConnectDrawer({ vendor, integrations, renew, connections, onClose }: ConnectDrawerProps) {
  const shown = useHeld(vendor);
  const integration = integrations?.find((each) => each.vendor === shown);
  const title = integration?.title ?? "";
  const renewId = useHeld(vendor === null ? null : (renew ?? ""));
  const renewed = connections.find(({ id }) => id === renewId);
  return (
    <DetailDrawer
      opened={vendor !== null}
      onClose={onClose}
      size={680}
      title={renewed === undefined ? `Connect ${title}` : `Renew the credentials of ${renewed.name}`}
      subtitle={renewed === undefined ? integration?.summary : `${title}, workspace ${renewed.workspace_id}`}
    >
      {integration !== undefined ? (
        <Guide integration={integration} renewed={renewed} onClose={onClose} />
      ) : integrations === undefined ? (
        <SkeletonText lines={8} />
      ) : (
        <EmptyState title="This cannot be connected" action={<Button onClick={onClose}>Close</Button>}>
          This installation has no integration of that name.
        </EmptyState>
      )}
    </DetailDrawer>
  );
}

function Guide({
  integration,
  renewed,
  onClose,
}: {
  integration: Integration;
  renewed: Connection | undefined;
  onClose: () => void;
}) {
  const connect = useConnect();
  const top = useRef<HTMLDivElement>(null);
  const { vendor, title } = integration;
  return (
    <div className={classes.guide} ref={top}>
      {connect.data !== undefined && (
        <Connected connection={connect.data} renewed={renewed} onDone={onClose} />
      )}
      <VendorSteps integration={integration} />
      {connect.data === undefined && (
        <section className={classes.part}>
          <h3 className={classes.heading}>Enter here</h3>
          <ConnectForm
            integration={integration}
            isRenewal={renewed !== undefined}
            isPending={connect.isPending}
            error={connect.error}
            submitLabel={renewed === undefined ? `Connect ${title}` : "Renew and test"}
            onSubmit={(credentials) => {
              connect.mutate(
                { vendor, credentials },
                { onSuccess: () => top.current?.scrollIntoView({ block: "start" }) },
              );
            }}
          />
        </section>
      )}
    </div>
  );
}
