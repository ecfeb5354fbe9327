"use client";

import type { Route } from "next";
import Link from "next/link";
import type { ReactNode } from "react";
import { useNow } from "@/lib/clock";
import type { Tone } from "@/ui/states";
import { counted, number, percent } from "@/ui/words";
import classes from "./Figures.module.css";
import { roughly, secondsBefore, type Overview } from "./verdict";

/** The four figures after the headline; each leads to the page that it is about. */
export function Figures({ overview, when }: { overview: Overview; when: string }) {
  const { waiting, dead, agents, error_rate, throughput } = overview;
  const waits = waiting.tasks + waiting.events + waiting.deliveries;
  return (
    <ul className={classes.figures} aria-label="Figures">
      <Figure
        label="Waiting"
        value={number(waits)}
        href={"/tasks?waiting=true"}
        tone={waiting.tasks > 0 ? "waiting" : null}
      >
        {waits === 0 ? (
          "Nothing is on its way"
        ) : (
          <>
            {waitingWords(waiting)}
            <Oldest at={secondsBefore(overview, waiting.oldest_seconds)} />
          </>
        )}
      </Figure>
      <Figure
        label="Dead letters"
        value={number(dead.count)}
        href="/dead-letters"
        tone={dead.count > 0 ? "failed" : null}
      >
        {dead.count === 0 ? "Nothing was given up" : "Given up; look and replay"}
      </Figure>
      <Figure
        label="Agents online"
        value={
          <>
            {number(agents.online)}
            <span className={classes.of}> of {number(agents.total)}</span>
          </>
        }
        href="/agents"
        tone={agents.total > 0 && agents.online === 0 ? "waiting" : null}
      >
        {agentWords(agents)}
      </Figure>
      <Figure
        label="Error rate"
        value={percent(error_rate)}
        href="/dead-letters"
        tone={error_rate > 0 ? "failed" : null}
      >
        {throughput.failed === 0 ? "Nothing failed" : `${number(throughput.failed)} failed`} in the {when}
      </Figure>
    </ul>
  );
}

interface FigureProps {
  label: string;
  value: ReactNode;
  href: Route;
  tone: Tone | null;
  children: ReactNode;
}

function Figure({ label, value, href, tone, children }: FigureProps) {
  return (
    <li className={classes.figure}>
      <Link href={href} className={classes.link}>
        <span className={classes.label}>{label}</span>
        <span className={classes.value} data-tone={tone ?? undefined}>
          {value}
        </span>
        <span className={classes.words}>{children}</span>
      </Link>
    </li>
  );
}

function Oldest({ at }: { at: string | null }) {
  const now = useNow();
  return at === null || now === 0 ? null : <>, oldest {roughly(now - Date.parse(at))}</>;
}

function waitingWords({ tasks, events, deliveries }: Overview["waiting"]): string {
  return [
    tasks > 0 && counted(tasks, "task"),
    events > 0 && counted(events, "event"),
    deliveries > 0 && counted(deliveries, "delivery", "deliveries"),
  ]
    .filter(Boolean)
    .join(", ");
}

function agentWords({ online, total, busy, muted }: Overview["agents"]): string {
  if (total === 0) return "No agent yet";
  const words = [busy > 0 && `${number(busy)} at work`, muted > 0 && `${number(muted)} muted`];
  return words.filter(Boolean).join(", ") || (online === 0 ? "All of them are away" : "All of them are free");
}
