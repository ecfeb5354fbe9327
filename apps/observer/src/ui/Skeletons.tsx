"use client";

import { Skeleton } from "@mantine/core";
import { useEffect, useState, type ReactNode } from "react";
import classes from "./Skeletons.module.css";

const PATIENCE_MS = 150;

/** Shows its children only when waiting takes longer than people notice. */
export function AfterAWhile({ children }: { children: ReactNode }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => {
      setLate(true);
    }, PATIENCE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, []);
  return late ? (
    <div role="status" aria-label="Loading" className={classes.waiting}>
      {children}
    </div>
  ) : null;
}

/** In the shape of a table or a list. */
export function SkeletonRows({ rows = 8 }: { rows?: number }) {
  return (
    <AfterAWhile>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className={classes.row}>
          <Skeleton h={10} w={`${30 + ((row * 17) % 30)}%`} />
          <Skeleton h={10} w={72} ml="auto" />
          <Skeleton h={10} w={48} />
        </div>
      ))}
    </AfterAWhile>
  );
}

/** In the shape of a row of figures or cards. */
export function SkeletonCards({ cards = 4, height = 88 }: { cards?: number; height?: number }) {
  return (
    <AfterAWhile>
      <div className={classes.cards}>
        {Array.from({ length: cards }, (_, card) => (
          <Skeleton key={card} h={height} radius="lg" />
        ))}
      </div>
    </AfterAWhile>
  );
}

/** In the shape of text. */
export function SkeletonText({ lines = 3 }: { lines?: number }) {
  return (
    <AfterAWhile>
      {Array.from({ length: lines }, (_, line) => (
        <Skeleton key={line} h={10} mb={10} w={line === lines - 1 ? "60%" : "100%"} />
      ))}
    </AfterAWhile>
  );
}
