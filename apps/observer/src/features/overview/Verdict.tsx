"use client";

import { IconAlertTriangle, IconChevronRight, IconCircleCheck, IconClockHour4 } from "@tabler/icons-react";
import Link from "next/link";
import { useNow } from "@/lib/clock";
import type { Tone } from "@/ui/states";
import { number } from "@/ui/words";
import { UnansweredList } from "./UnansweredList";
import classes from "./Verdict.module.css";
import { roughly, verdictOf, type Concern, type Overview } from "./verdict";

const ICONS = {
  ok: IconCircleCheck,
  active: IconCircleCheck,
  offline: IconCircleCheck,
  waiting: IconClockHour4,
  failed: IconAlertTriangle,
} satisfies Record<Tone, unknown>;

/** Is everything all right? The answer in a sentence, then what has no answer, then what else is wrong. */
export function VerdictPanel({ overview, summary }: { overview: Overview; summary: string }) {
  const { tone, title, since, concerns } = verdictOf(overview);
  const { count, items } = overview.unanswered;
  const Icon = ICONS[tone];
  return (
    <section className={classes.panel} data-tone={tone} aria-labelledby="verdict">
      <div className={classes.head}>
        <div className={classes.figure}>
          <span className={classes.number}>{number(count)}</span>
          <span className={classes.unit}>unanswered</span>
        </div>
        <div className={classes.words}>
          <h2 id="verdict" className={classes.title}>
            <Icon size={22} className={classes.icon} aria-hidden />
            <span>
              {title}
              {since !== null && <OldestFor since={since} />}
            </span>
          </h2>
          <p className={classes.summary}>{summary}</p>
          {concerns.length > 0 && (
            <ul className={classes.concerns} aria-label="Needs a look">
              {concerns.map((concern) => (
                <ConcernItem key={concern.short} concern={concern} />
              ))}
            </ul>
          )}
        </div>
      </div>
      {items.length > 0 && <UnansweredList items={items} total={count} />}
      <span className="visually-hidden" role="status">
        {title}
      </span>
    </section>
  );
}

function OldestFor({ since }: { since: string }) {
  const now = useNow();
  return now === 0 ? null : <>; the oldest for {roughly(now - Date.parse(since))}</>;
}

function ConcernItem({ concern: { tone, short, detail, href } }: { concern: Concern }) {
  const words = (
    <>
      <span className={classes.dot} data-tone={tone} aria-hidden />
      <span className={classes.concernWords}>
        <strong>{short.charAt(0).toUpperCase() + short.slice(1)}.</strong> {detail}
      </span>
    </>
  );
  return (
    <li>
      {href === null ? (
        <span className={classes.concern}>{words}</span>
      ) : (
        <Link href={href} className={classes.concern}>
          {words}
          <IconChevronRight size={14} className={classes.chevron} aria-hidden />
        </Link>
      )}
    </li>
  );
}
