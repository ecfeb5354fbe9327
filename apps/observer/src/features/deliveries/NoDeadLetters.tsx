"use client";

import { Anchor } from "@mantine/core";
import Link from "next/link";
import { useOverview } from "@/features/overview/queries";
import { number } from "@/ui/words";
import classes from "./NoDeadLetters.module.css";

const WINDOW_MINUTES = 60;

/** The best that this page can look like. */
export function NoDeadLetters() {
  const { data } = useOverview(WINDOW_MINUTES, 30_000);
  const delivered = data?.throughput.delivered ?? 0;
  return (
    <section className={classes.state} aria-labelledby="no-dead-letters">
      <Picture />
      <h2 id="no-dead-letters" className={classes.title}>
        No dead letters
      </h2>
      <p className={classes.text}>
        Everything that was accepted got through
        {delivered > 0 && <>, {number(delivered)} of it in the last hour</>}. If something cannot be
        delivered, it waits here with its reason until you replay it. Nothing is ever lost, and nothing is
        sent twice.
      </p>
      <Anchor component={Link} href="/overview" size="sm">
        Back to the overview
      </Anchor>
    </section>
  );
}

/** An open envelope, and what was in it on its way. */
function Picture() {
  return (
    <svg width="148" height="112" viewBox="0 0 148 112" fill="none" aria-hidden className={classes.picture}>
      <ellipse cx="74" cy="100" rx="52" ry="5" className={classes.shadow} />
      <g className={classes.letter}>
        <rect x="46" y="18" width="56" height="52" rx="5" className={classes.paper} />
        <path d="M56 31h36M56 39h36M56 47h22" className={classes.writing} />
        <circle cx="92" cy="56" r="9" className={classes.seal} />
        <path d="m88 56 3 3 5.5-6" className={classes.tick} />
      </g>
      <path
        d="M34 52v36a6 6 0 0 0 6 6h68a6 6 0 0 0 6-6V52L78 75a7 7 0 0 1-8 0z"
        className={classes.envelope}
      />
      <path d="M36 91 64 72M112 91 84 72" className={classes.fold} />
      <path d="M20 34v8M16 38h8M126 22v10M121 27h10M130 62v6M127 65h6" className={classes.sparks} />
    </svg>
  );
}
