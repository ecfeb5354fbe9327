"use client";

import { Button, RingProgress } from "@mantine/core";
import Link from "next/link";
import { counted } from "@/ui/words";
import classes from "./SetupCard.module.css";
import { STEPS, doneCount, isSetUp, nextStep, stepTitle, type FirstRun } from "./steps";

/** One slim line that leads on until the first task was mirrored; nothing after that. */
export function SetupCard({ firstRun }: { firstRun: FirstRun }) {
  const next = nextStep(firstRun);
  if (next === null || isSetUp(firstRun)) return null;
  const done = doneCount(firstRun);
  return (
    <aside className={classes.card} aria-label="Finish setting up">
      <RingProgress
        aria-hidden
        size={30}
        thickness={3.5}
        roundCaps
        rootColor="var(--obs-border)"
        sections={done === 0 ? [] : [{ value: (100 * done) / STEPS.length, color: "var(--obs-active)" }]}
      />
      <span className={classes.words}>
        <strong>{done === 0 ? "Set up Oblivion" : "Finish setting up"}</strong>
        <span>
          {counted(STEPS.length - done, "step")} left. Next: {stepTitle(next)}.
        </span>
      </span>
      <Button component={Link} href="/welcome" variant="filled" ml="auto" flex="none">
        {done === 0 ? "Start" : "Continue"}
      </Button>
    </aside>
  );
}
