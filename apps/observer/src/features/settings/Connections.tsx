"use client";

import { Anchor } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import Link from "next/link";
import { parseAsString, useQueryStates } from "nuqs";
import { ActionButton } from "@/ui/ActionButton";
import { ErrorState } from "@/ui/ErrorState";
import { lazily } from "@/ui/lazily";
import { SkeletonCards } from "@/ui/Skeletons";
import { ConnectionCard } from "./connections/ConnectionCard";
import type { Integration } from "./connections/connecting";
import classes from "./connections/Connections.module.css";
import { useConnections, useIntegrations } from "./connections/queries";
import { VendorMark } from "./connections/VendorMark";
import { SettingsSection } from "./SettingsSection";

const ConnectDrawer = lazily(() => import("./connections/ConnectDrawer").then((file) => file.ConnectDrawer));

const PARSERS = { connect: parseAsString, renew: parseAsString };

/** The workspaces of ClickUp, Slack and others, and the guided way to connect one. */
export function Connections() {
  const connections = useConnections();
  const integrations = useIntegrations();
  const [{ connect, renew }, setOpen] = useQueryStates(PARSERS, { history: "push" });
  const connected = connections.data?.items;
  const known = integrations.data?.items;
  const renewed = connected?.find(({ id }) => id === renew);
  const failed = connections.isError ? connections : integrations.isError ? integrations : null;
  if ((connected === undefined || known === undefined) && failed !== null) {
    return (
      <ErrorState
        title="The connections could not be read"
        error={failed.error}
        onRetry={() => void failed.refetch()}
      />
    );
  }
  return (
    <SettingsSection
      intro={
        <>
          Where tasks come from and where people talk. Which list belongs to which channel, and what is
          written back, is decided on{" "}
          <Anchor component={Link} href="/mappings" inherit>
            Mappings
          </Anchor>
          .
        </>
      }
    >
      {connected === undefined || known === undefined ? (
        <SkeletonCards cards={2} height={200} />
      ) : (
        <>
          {connected.length > 0 && (
            <div className={classes.grid}>
              {connected.map((connection) => (
                <ConnectionCard
                  key={connection.id}
                  connection={connection}
                  integration={known.find(({ vendor }) => vendor === connection.vendor)}
                  onRenew={() => void setOpen({ renew: connection.id, connect: null })}
                />
              ))}
            </div>
          )}
          <h2 className={classes.heading}>
            {connected.length === 0 ? "Connect your first workspaces" : "Connect another workspace"}
          </h2>
          <div className={classes.grid}>
            {known.map((integration) => (
              <Offer
                key={integration.vendor}
                integration={integration}
                isFirst={connected.every(({ vendor }) => vendor !== integration.vendor)}
                onConnect={() => void setOpen({ connect: integration.vendor, renew: null })}
              />
            ))}
          </div>
        </>
      )}
      <ConnectDrawer
        vendor={renewed?.vendor ?? connect}
        integrations={known}
        renew={renew}
        connections={connected ?? []}
        onClose={() => void setOpen(null)}
      />
    </SettingsSection>
  );
}

function Offer({
  integration,
  isFirst,
  onConnect,
}: {
  integration: Integration;
  isFirst: boolean;
  onConnect: () => void;
}) {
  return (
    <article className={classes.offer}>
      <VendorMark vendor={integration.vendor} />
      <div className={classes.cardWords}>
        <h3 className={classes.cardTitle}>{integration.title}</h3>
        <p className={classes.offerText}>{integration.summary}</p>
      </div>
      <ActionButton
        needs="write"
        variant={isFirst ? "filled" : "default"}
        leftSection={<IconPlus size={14} />}
        onClick={onConnect}
      >
        Connect {integration.title}
      </ActionButton>
    </article>
  );
}
