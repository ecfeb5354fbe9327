"use client";

import { Anchor, Button, Tooltip } from "@mantine/core";
import { IconChevronRight } from "@tabler/icons-react";
import type { Route } from "next";
import Link from "next/link";
import { useState } from "react";
import type { Model } from "@/lib/api/client";
import { useNow } from "@/lib/clock";
import { exact } from "@/lib/time";
import { number } from "@/ui/words";
import classes from "./Verdict.module.css";
import { roughly } from "./verdict";

type Item = Model<"UnansweredItem">;

/** More than these are shown when somebody asks: what else is not well stands below. */
const SHOWN_ITEMS = 4;

/** What has no answer, the oldest first: each leads to where it can be mended. */
export function UnansweredList({ items, total }: { items: Item[]; total: number }) {
  const [showsAll, setShowsAll] = useState(false);
  const shown = showsAll ? items : items.slice(0, SHOWN_ITEMS);
  const hidden = items.length - shown.length;
  const more = total - items.length;
  return (
    <>
      <ul className={classes.list} aria-label="Unanswered">
        {shown.map((item) => (
          <li key={item.id} className={classes.item}>
            <Link href={placeOf(item)} className={`${classes.link} truncate`} title={item.title}>
              {item.title}
            </Link>
            <span className={classes.why}>
              <span className="truncate" title={item.why}>
                {item.why}
              </span>
              {item.kind === "task" && (
                <Anchor component={Link} href="/mappings" className={classes.fix}>
                  Link it
                </Anchor>
              )}
            </span>
            <Since at={item.since} />
            <IconChevronRight size={14} className={classes.chevron} aria-hidden />
          </li>
        ))}
      </ul>
      {hidden > 0 && (
        <div className={classes.more}>
          <Button
            variant="subtle"
            size="compact-xs"
            onClick={() => {
              setShowsAll(true);
            }}
          >
            Show {number(hidden)} more
          </Button>
        </div>
      )}
      {hidden === 0 && more > 0 && (
        <div className={classes.more}>
          and {number(more)} more, in{" "}
          <Anchor component={Link} href="/dead-letters" inherit underline="always">
            Dead letters
          </Anchor>{" "}
          and{" "}
          <Anchor component={Link} inherit underline="always" href={"/tasks?waiting=true"}>
            waiting Tasks
          </Anchor>
        </div>
      )}
    </>
  );
}

/** Where something can be looked at and mended. */
export function placeOf(item: Pick<Item, "id" | "kind" | "task_id">): Route {
  const id = encodeURIComponent(item.id);
  if (item.kind !== "task") return `/dead-letters?delivery=${id}` as Route;
  return `/tasks?task=${encodeURIComponent(item.task_id ?? item.id)}` as Route;
}

function Since({ at }: { at: string }) {
  const now = useNow();
  const ms = Date.parse(at);
  return (
    <Tooltip label={now === 0 ? at : `Since ${exact(ms)}`}>
      <time dateTime={at} className={classes.for}>
        {now === 0 ? "" : roughly(now - ms)}
      </time>
    </Tooltip>
  );
}
