import { Button, Group } from "@mantine/core";
import Link from "next/link";
import { useEffect, useEffectEvent, useRef, type ReactNode } from "react";
import { exact } from "@/lib/time";
import { CopyButton } from "@/ui/CopyButton";
import { Id } from "@/ui/Id";
import { JsonView } from "@/ui/JsonView";
import { asText, type Entry } from "./entry";
import type { FeedParams } from "./filters";
import classes from "./LineDetail.module.css";

const JSON_PX = 220;

export interface LineDetailProps {
  entry: Entry;
  /** Its height, whenever it changes: the rows below make room. */
  onHeight: (height: number) => void;
  onFilter: (change: Partial<FeedParams>) => void;
}

/** A line as a whole: where it leads, and its JSON. */
export function LineDetail({ entry, onHeight, onFilter }: LineDetailProps) {
  const element = useRef<HTMLDivElement>(null);
  const report = useEffectEvent(onHeight);
  useEffect(() => {
    const observed = element.current;
    if (observed === null) return;
    const observer = new ResizeObserver(() => {
      report(observed.offsetHeight);
    });
    observer.observe(observed);
    return () => {
      observer.disconnect();
    };
  }, []);

  const { line } = entry;
  return (
    <div ref={element} className={classes.detail}>
      <p className={classes.message}>{line.message}</p>
      <dl className={classes.facts}>
        <Fact name="When">{exact(Date.parse(line.ts))}</Fact>
        <Fact name="Kind">
          <span className="mono">{line.kind}</span>
        </Fact>
        {line.agent && (
          <Fact name="Agent">
            <Link href={`/agents?agent=${encodeURIComponent(line.agent)}`}>{line.agent}</Link>
          </Fact>
        )}
        {line.task_id && (
          <Fact name="Task">
            <Id value={line.task_id} what="task id" />
          </Fact>
        )}
        {line.delivery_id && (
          <Fact name="Delivery">
            <Id value={line.delivery_id} what="delivery id" />
          </Fact>
        )}
      </dl>
      <JsonView value={line} what="JSON of the line" maxHeight={JSON_PX} />
      <Group gap={6} mt={8}>
        {line.task_id && (
          <>
            <Button
              size="compact-xs"
              component={Link}
              href={`/tasks?task=${encodeURIComponent(line.task_id)}`}
            >
              Open the task
            </Button>
            <Button
              size="compact-xs"
              onClick={() => {
                onFilter({ task: line.task_id ?? null });
              }}
            >
              Only this task
            </Button>
          </>
        )}
        <Button
          size="compact-xs"
          onClick={() => {
            onFilter({ source: [line.source] });
          }}
        >
          Only this source
        </Button>
        <span className={classes.copy}>
          Copy line <CopyButton value={asText(entry)} what="line" />
        </span>
      </Group>
    </div>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
