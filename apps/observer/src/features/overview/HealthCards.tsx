"use client";

import { Anchor, Text } from "@mantine/core";
import { IconDatabase } from "@tabler/icons-react";
import Link from "next/link";
import type { ReactNode } from "react";
import type { Model } from "@/lib/api/client";
import { StatusBadge } from "@/ui/StatusBadge";
import { stateLook } from "@/ui/states";
import { Time } from "@/ui/Time";
import { ToolIcon } from "@/ui/ToolIcon";
import { toolName } from "@/ui/words";
import classes from "./HealthCards.module.css";
import type { Overview } from "./verdict";

/** How each part is that Oblivion depends on: every check in words, and what to do where one is not well. */
export function HealthCards({ overview }: { overview: Overview }) {
  const { vendors, postgres, redis } = overview;
  return (
    <section aria-labelledby="health">
      <h2 id="health" className={classes.heading}>
        Health
      </h2>
      <div className={classes.cards}>
        {vendors.map((vendor) => (
          <VendorCard key={vendor.connection_id} vendor={vendor} />
        ))}
        {vendors.length === 0 && (
          <Card icon={<ToolIcon tool="" />} title="ClickUp and Slack">
            <Text size="sm" c="dimmed">
              Nothing is connected yet.{" "}
              <Anchor component={Link} href="/settings/connections">
                Connect ClickUp and Slack
              </Anchor>
            </Text>
          </Card>
        )}
        <Card icon={<IconDatabase size={15} stroke={1.7} aria-hidden />} title="Storage">
          <ul className={classes.checks}>
            <CheckLine name="PostgreSQL" {...withHint(postgres)} />
            <CheckLine name="Redis" {...withHint(redis)} />
          </ul>
        </Card>
      </div>
    </section>
  );
}

function VendorCard({
  vendor: { vendor, name, state, checks, checked_at },
}: {
  vendor: Model<"VendorHealth">;
}) {
  return (
    <Card
      icon={<ToolIcon tool={vendor} />}
      title={toolName(vendor)}
      name={name}
      aside={<StatusBadge look={stateLook(state)} plain />}
      foot={
        <>
          <span>
            {checked_at === null ? "Not checked yet" : "Checked "}
            {checked_at !== null && <Time at={checked_at} />}
          </span>
          <Anchor component={Link} href="/settings/connections" className={classes.more}>
            {state === "ok" ? "Details" : "Mend it"}
          </Anchor>
        </>
      }
    >
      <ul className={classes.checks}>
        {checks.map((check) => (
          <CheckLine key={check.name} {...check} />
        ))}
      </ul>
    </Card>
  );
}

interface CardProps {
  icon: ReactNode;
  title: string;
  name?: string;
  aside?: ReactNode;
  foot?: ReactNode;
  children: ReactNode;
}

function Card({ icon, title, name, aside, foot, children }: CardProps) {
  return (
    <article className={classes.card} aria-label={name === undefined ? title : `${title}: ${name}`}>
      <header className={classes.head}>
        {icon}
        <h3 className={classes.title}>{title}</h3>
        {name !== undefined && name !== title && <span className={`${classes.name} truncate`}>{name}</span>}
        <span className={classes.aside}>{aside}</span>
      </header>
      {children}
      {foot !== undefined && <footer className={classes.foot}>{foot}</footer>}
    </article>
  );
}

interface CheckLineProps {
  name: string;
  state: string;
  detail: string;
  hint?: string | null;
}

function CheckLine({ name, state, detail, hint }: CheckLineProps) {
  const { tone, label } = stateLook(state);
  return (
    <li className={classes.check} data-tone={tone}>
      <span className={classes.dot} aria-hidden />
      <span className={classes.words}>
        <strong>{name}</strong>
        <span className="visually-hidden"> {label}: </span> <span>{detail}</span>
        {hint && <span className={classes.hint}>{hint}</span>}
      </span>
    </li>
  );
}

function withHint(dependency: Overview["postgres"]) {
  const hint = dependency.state === "ok" ? null : "“oblivion doctor”, run beside Nexus, says what to do.";
  return { ...dependency, hint };
}
