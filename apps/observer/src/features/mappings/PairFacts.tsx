"use client";

import { Anchor, Button } from "@mantine/core";
import type { Route } from "next";
import Link from "next/link";
import { Command } from "@/ui/Command";
import { Time } from "@/ui/Time";
import { counted } from "@/ui/words";
import type { ChannelRow, ListRow, Mapping } from "./boardModel";
import { INVITE } from "./layout";
import type { Pair } from "./pairing";
import classes from "./PairFacts.module.css";
import { ruleInWords } from "./rules";
import { troubleTone, troubleWords } from "./trouble";
import { isPending } from "./writes";

/** What there is to know before it is done. */
export function PairFacts({
  pair,
  onEditRule,
}: {
  pair: Exclude<Pair, { kind: "nothing" }>;
  onEditRule: () => void;
}) {
  switch (pair.kind) {
    case "channel":
      return <ChannelFacts channel={pair.channel} />;
    case "list":
      return (
        <>
          <Waiting list={pair.list} />
          <span>No channel goes by its name. Choose one.</span>
        </>
      );
    case "link":
      return (
        <>
          <Waiting list={pair.list} />
          <Blocked blocked={pair.blocked} channel={pair.channel} />
        </>
      );
    case "linked":
      return (
        <>
          {pair.list.trouble !== null && <TroubleLine list={pair.list} mapping={pair.mapping} />}
          <LinkFacts mapping={pair.mapping} onEditRule={onEditRule} />
        </>
      );
    case "move":
      if (pair.blocked !== null) return <Blocked blocked={pair.blocked} channel={pair.channel} />;
      return (
        <>
          <span>
            New tasks go to #{pair.channel.name}; cards in #{pair.mapping.channel_name} stay there.
          </span>
          {!pair.channel.isMember && <ChannelFacts channel={pair.channel} />}
        </>
      );
  }
}

function Waiting({ list: { id, waiting } }: { list: ListRow }) {
  if (waiting === 0) return null;
  const href = `/tasks?list=${encodeURIComponent(id)}` as Route;
  return (
    <span className={classes.waiting}>
      <Anchor component={Link} href={href} inherit c="inherit" underline="always">
        {counted(waiting, "task")}
      </Anchor>{" "}
      {waiting === 1 ? "waits" : "wait"} for this link.
    </span>
  );
}

function Blocked({ blocked, channel }: { blocked: string | null; channel: ChannelRow }) {
  if (blocked === null) return <ChannelFacts channel={channel} />;
  return (
    <>
      <span className={classes.trouble}>{blocked}</span>
      {!channel.isGone && <Command>{INVITE}</Command>}
    </>
  );
}

function ChannelFacts({ channel: { name, isMember, isGone, lists } }: { channel: ChannelRow }) {
  if (isGone) {
    return (
      <span className={classes.trouble}>
        #{name} is not in Slack any more. Move {lists === 1 ? "its list" : `its ${lists} lists`} to another
        channel.
      </span>
    );
  }
  if (!isMember) return <span>Oblivion is not in #{name} yet; it joins with the first card.</span>;
  if (lists === 0) return <span>New tasks appear there as cards.</span>;
  return (
    <span>
      {counted(lists, "list")} {lists === 1 ? "posts" : "post"} there already.
    </span>
  );
}

function LinkFacts({ mapping, onEditRule }: { mapping: Mapping; onEditRule: () => void }) {
  const { created_by: by, created_at: at, sync_rule, sync_keyword } = mapping;
  return (
    <>
      <span>
        Linked {by !== null && <>by {by} </>}
        <Time at={at} />
      </span>
      <span className={classes.rule}>
        {ruleInWords(sync_rule, sync_keyword)} go to ClickUp
        <Button variant="subtle" size="compact-xs" onClick={onEditRule} disabled={isPending(mapping)}>
          Change
        </Button>
      </span>
    </>
  );
}

function TroubleLine({ list, mapping }: { list: ListRow; mapping: Mapping }) {
  if (list.trouble === null) return null;
  const { what, todo, invite } = troubleWords(list.trouble, mapping);
  return (
    <>
      <span className={classes.trouble} data-tone={troubleTone(list.trouble)}>
        {what} {todo}
      </span>
      {invite && <Command>{INVITE}</Command>}
    </>
  );
}
