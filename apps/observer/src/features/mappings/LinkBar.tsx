"use client";

import { Kbd } from "@mantine/core";
import { IconArrowRight, IconLink, IconLinkOff, IconSparkles } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { ActionButton } from "@/ui/ActionButton";
import classes from "./LinkBar.module.css";
import { PairFacts } from "./PairFacts";
import type { Pair } from "./pairing";
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
          <PairFacts pair={pair} onEditRule={onEditRule} />
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

function Keys() {
  return (
    <span className={classes.keys}>
      <Kbd>J</Kbd> <Kbd>K</Kbd> or arrows move, <Kbd>L</Kbd> links, <Kbd>Z</Kbd> takes back
    </span>
  );
}
