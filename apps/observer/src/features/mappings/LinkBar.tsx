"use client";

import { Anchor, Button, Kbd } from "@mantine/core";
import { IconArrowRight, IconLink, IconLinkOff, IconSparkles } from "@tabler/icons-react";
import type { Route } from "next";
import Link from "next/link";
import type { ReactNode } from "react";
import { ActionButton } from "@/ui/ActionButton";
import { Command } from "@/ui/Command";
import { Time } from "@/ui/Time";
import { counted } from "@/ui/words";
import type { ChannelRow, ListRow, Mapping } from "./board";
import { INVITE } from "./layout";
import classes from "./LinkBar.module.css";
import type { Pair } from "./pairing";
import { ruleInWords } from "./rules";
import { troubleTone, troubleWords } from "./trouble";
import { isPending } from "./writes";

export interface LinkBarProps {
  pair: Pair;
  onAct: () => void;
  onUnlink: () => void;
  onEditRule: () => void;
  /** Undefined where another one is chosen some other way. */
  onClear?: () => void;
  areKeysOff: boolean;
  /** Something to do when nothing is chosen. */
  idle?: ReactNode;
}

/** Says what is chosen, and does it. */
export function LinkBar(props: LinkBarProps) {
  const { pair, onAct, onUnlink, onEditRule, areKeysOff, idle } = props;
  const act = areKeysOff ? undefined : "l";
  if (pair.kind === "nothing") {
    return (
      <div className={classes.bar}>
        <span className={classes.hint}>
          Choose a list to link it. <Keys />
        </span>
        {idle}
      </div>
    );
  }
  const isLinked = pair.kind === "linked" || pair.kind === "move";
  const waits = isLinked && isPending(pair.mapping) ? "Waiting for Nexus to confirm this link…" : null;
  return (
    <div className={classes.bar}>
      <div className={classes.words}>
        <Names pair={pair} />
        <div className={classes.about}>
          <About pair={pair} onEditRule={onEditRule} />
        </div>
      </div>
      <div className={classes.actions}>
        {isLinked && (
          <ActionButton
            leftSection={<IconLinkOff size={15} />}
            needs="operate"
            hotkey={areKeysOff ? undefined : "u"}
            hotkeyLabel="Unlink the chosen list"
            disabledWhy={waits}
            onClick={onUnlink}
            aria-label={`Unlink ${pair.list.name}`}
          >
            Unlink
          </ActionButton>
        )}
        {isLinked ? (
          <ActionButton
            variant="filled"
            leftSection={<IconLink size={15} />}
            needs="operate"
            hotkey={act}
            hotkeyLabel="Link or move the chosen list"
            disabledWhy={
              waits ?? (pair.kind === "move" ? pair.blocked : "Choose another channel to move it there.")
            }
            onClick={onAct}
          >
            Move link
          </ActionButton>
        ) : (
          <ActionButton
            variant="filled"
            leftSection={<IconLink size={15} />}
            needs="operate"
            hotkey={act}
            hotkeyLabel="Link or move the chosen list"
            disabledWhy={whyNotLink(pair)}
            onClick={onAct}
          >
            Link
          </ActionButton>
        )}
      </div>
    </div>
  );
}

function whyNotLink(pair: Pair): string | null {
  if (pair.kind === "link") return pair.blocked;
  return pair.kind === "channel" ? "Choose a list for this channel." : "Choose a channel for this list.";
}

/** "Platform reliability → #eng-reliability". */
function Names({ pair }: { pair: Exclude<Pair, { kind: "nothing" }> }) {
  return (
    <div className={classes.names}>
      {pair.kind === "channel" ? (
        <span className={classes.missing}>Choose a list</span>
      ) : (
        <span className={classes.name} title={pair.list.name}>
          {pair.list.name}
        </span>
      )}
      {pair.kind === "move" && <span className={classes.before}>#{pair.mapping.channel_name}</span>}
      <IconArrowRight size={16} className={classes.arrow} aria-label="to" />
      {pair.kind === "list" ? (
        <span className={classes.missing}>Choose a channel</span>
      ) : (
        <span className={classes.name}>#{nameOf(pair)}</span>
      )}
      {pair.kind === "link" && pair.isSuggested && (
        <span className={classes.suggested}>
          <IconSparkles size={12} aria-hidden /> Suggested
        </span>
      )}
    </div>
  );
}

function nameOf(pair: Exclude<Pair, { kind: "nothing" | "list" }>): string {
  return pair.kind === "linked" ? pair.mapping.channel_name : pair.channel.name;
}

/** What there is to know before it is done. */
function About({ pair, onEditRule }: { pair: Exclude<Pair, { kind: "nothing" }>; onEditRule: () => void }) {
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

function Keys() {
  return (
    <span className={classes.keys}>
      <Kbd>J</Kbd> <Kbd>K</Kbd> or arrows move, <Kbd>L</Kbd> links, <Kbd>Z</Kbd> takes back
    </span>
  );
}
