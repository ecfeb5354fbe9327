"use client";

import { IconCheck } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { stepTitle, type Step } from "./steps";
import classes from "./Welcome.module.css";

export interface StepCardProps {
  step: Step;
  number: number;
  isDone: boolean;
  /** The one to do now. */
  isNext: boolean;
  isOpen: boolean;
  /** What was done, once it is. */
  words: string | null;
  onOpen: () => void;
  /** What to do. */
  children: ReactNode;
}

/** One step of the way: done, open, or to come. */
export function StepCard({ step, number, isDone, isNext, isOpen, words, onOpen, children }: StepCardProps) {
  const title = stepTitle(step);
  return (
    <li
      className={classes.step}
      data-done={isDone || undefined}
      data-open={isOpen || undefined}
      aria-current={isNext ? "step" : undefined}
    >
      <span className={classes.mark} aria-hidden>
        {isDone ? <IconCheck size={15} stroke={2.4} /> : number}
      </span>
      <div className={classes.words}>
        {isDone || isOpen ? (
          <h2 className={classes.title}>
            {title}
            {isDone && <span className="visually-hidden">, done</span>}
          </h2>
        ) : (
          <button type="button" className={classes.opener} aria-expanded={false} onClick={onOpen}>
            {title}
          </button>
        )}
        {isDone && words !== null && <p className={classes.done}>{words}</p>}
        {isOpen && <div className={classes.body}>{children}</div>}
      </div>
    </li>
  );
}
