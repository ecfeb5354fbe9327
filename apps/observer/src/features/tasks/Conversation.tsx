"use client";

import { Avatar } from "@mantine/core";
import { IconInfinity, IconMessages, IconRobot } from "@tabler/icons-react";
import type { CSSProperties } from "react";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { SkeletonRows } from "@/ui/Skeletons";
import { Time } from "@/ui/Time";
import { ToolIcon } from "@/ui/ToolIcon";
import { toolName } from "@/ui/words";
import classes from "./Conversation.module.css";
import { useConversation, type Said } from "./detail-queries";
import { Sighting } from "./Sighting";

const KINDS: Record<Said["kind"], string | null> = {
  root: "asked for it",
  message: null,
  question: "asked",
  answer: "answered",
  result: "result",
  note: "note",
};

/** What was said, as people saw it, and where each message stands in each tool. */
export function Conversation({ id }: { id: string }) {
  const { data, error, refetch } = useConversation(id);
  if (data === undefined) {
    return error === null ? (
      <SkeletonRows rows={6} />
    ) : (
      <ErrorState title="The conversation could not be read" error={error} onRetry={() => void refetch()} />
    );
  }
  if (data.length === 0) {
    return (
      <EmptyState icon={<IconMessages size={20} />} title="Nothing was said yet">
        What people and agents say about this task appears here, with where it can be seen.
      </EmptyState>
    );
  }
  const tools = toolsOf(data);
  return (
    <div className={classes.conversation} style={columnsFor(tools.length)}>
      <div className={classes.head} aria-hidden>
        <span>Said</span>
        {tools.map((tool) => (
          <span key={tool} className={classes.tool}>
            <ToolIcon tool={tool} size={13} /> {toolName(tool)}
          </span>
        ))}
      </div>
      <ol className={classes.list}>
        {data.map((said) => (
          <Message key={said.id} said={said} tools={tools} />
        ))}
      </ol>
    </div>
  );
}

function Message({ said, tools }: { said: Said; tools: string[] }) {
  const { author, author_kind, kind, at, text, edited_at, deleted_at, seen_in } = said;
  const what = KINDS[kind];
  return (
    <li className={classes.message} data-deleted={deleted_at !== null || undefined}>
      <div className={classes.said}>
        <Face author={author} kind={author_kind} />
        <div className={classes.words}>
          <div className={classes.meta}>
            <strong>{author}</strong>
            {what !== null && <span>{what}</span>}
            <Time at={at} />
            {edited_at !== null && (
              <span>
                edited <Time at={edited_at} />
              </span>
            )}
            {deleted_at !== null && (
              <span>
                {kind === "root" ? "closed" : "deleted"} <Time at={deleted_at} />
              </span>
            )}
          </div>
          <p className={classes.text}>{text}</p>
          {seen_in.map(
            ({ tool, state, why }) =>
              state === "failed" &&
              why !== null && (
                <p key={tool} className={classes.failure}>
                  Not in {toolName(tool)}: {why}
                </p>
              ),
          )}
        </div>
      </div>
      {tools.map((tool) => (
        <Sighting key={tool} tool={tool} sighting={seen_in.find((each) => each.tool === tool)} />
      ))}
    </li>
  );
}

function Face({ author, kind }: { author: string; kind: Said["author_kind"] }) {
  if (kind === "person") return <Avatar size={24} radius="xl" name={author} aria-hidden />;
  return (
    <Avatar size={24} radius="sm" aria-hidden>
      {kind === "agent" ? <IconRobot size={15} /> : <IconInfinity size={15} />}
    </Avatar>
  );
}

/** As many columns as there are tools, for the style sheet. */
function columnsFor(tools: number): CSSProperties & Record<"--tools", number> {
  return { "--tools": tools };
}

/** In the order of first appearance: the tool of the first message is where it began. */
function toolsOf(entries: Said[]): string[] {
  return [...new Set(entries.flatMap(({ seen_in }) => seen_in.map(({ tool }) => tool)))];
}
