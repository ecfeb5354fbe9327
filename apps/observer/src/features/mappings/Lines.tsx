"use client";

import { useMemo } from "react";
import { curve, endsOf, type Ends } from "./geometry";
import type { Line, Lit } from "./lineModel";
import classes from "./Lines.module.css";
import type { Drag } from "./useDrag";
import { useViewports, type Viewports } from "./useViewports";

export interface LinesProps {
  lines: readonly Line[];
  /** The middle of each row in its column, in pixels, by id. */
  listCentres: ReadonlyMap<string, number>;
  channelCentres: ReadonlyMap<string, number>;
  frame: HTMLElement | null;
  lists: HTMLElement | null;
  channels: HTMLElement | null;
  /** The height of what covers the top of a column. */
  heading: number;
  /** What the pointer or the focus is on: its lines shine, the others step back. */
  lit: Lit | null;
  /** The list that was linked just now: its line is drawn slowly. */
  freshListId: string | null;
  drag: Drag | null;
}

/** A channel with hundreds of lists would be a black fan. */
const MAX_LINES = 160;

/** The lines between the columns. They are cut off where the columns end. */
export function Lines(props: LinesProps) {
  const { lines, listCentres, channelCentres, frame, lists, channels, heading, lit, freshListId, drag } =
    props;
  const viewports = useViewports(frame, lists, channels);

  const drawn = useMemo(() => {
    if (viewports === null) return [];
    const found: (Line & { ends: Ends; isLit: boolean })[] = [];
    for (const line of lines) {
      const from = listCentres.get(line.listId);
      const to = channelCentres.get(line.channelId);
      if (from === undefined || to === undefined) continue;
      const ends = endsOf(from, to, viewports.left, viewports.right, heading);
      if (ends === null) continue;
      found.push({
        ...line,
        ends,
        isLit: lit !== null && lit.id === (lit.side === "list" ? line.listId : line.channelId),
      });
    }
    // What shines lies above the rest; whole lines matter more than those that leave.
    const rank = (line: (typeof found)[number]) =>
      (line.isLit ? 4 : 0) + (isProposal(line) ? 2 : 0) + (line.ends.isPartial ? 0 : 1);
    return found.sort((one, other) => rank(one) - rank(other)).slice(-MAX_LINES);
  }, [lines, listCentres, channelCentres, viewports, heading, lit]);

  if (viewports === null) return null;
  const { box } = viewports;
  return (
    <svg
      aria-hidden
      className={classes.lines}
      style={{ left: box.left, top: box.top, width: box.width, height: box.height }}
      data-lit={lit !== null || drag !== null || undefined}
    >
      {drawn.map(({ listId, channelId, look, ends, isLit }) => (
        <path
          key={`${listId} ${channelId} ${look}`}
          d={curve(ends.from, box.width, ends.to)}
          className={classes.line}
          data-look={look}
          data-lit={isLit || undefined}
          data-partial={ends.isPartial || undefined}
          data-fresh={(look === "linked" && listId === freshListId) || undefined}
          pathLength={look === "linked" ? 1 : undefined}
        />
      ))}
      {drag !== null && (
        <DragLine
          drag={drag}
          from={listCentres.get(drag.listId)}
          over={drag.over === null ? undefined : channelCentres.get(drag.over)}
          viewports={viewports}
        />
      )}
    </svg>
  );
}

/** Not a link yet: dashed. */
function isProposal({ look }: Line): boolean {
  return look === "suggested" || look === "picked";
}

/** From the list that is dragged to the pointer, or to the channel under it. */
function DragLine({
  drag,
  from,
  over,
  viewports: { box, origin, left, right },
}: {
  drag: Drag;
  from: number | undefined;
  over: number | undefined;
  viewports: Viewports;
}) {
  if (from === undefined) return null;
  const to =
    over === undefined
      ? { x: drag.x - origin.x, y: drag.y - origin.y }
      : { x: box.width, y: right.top + over - right.scrollTop };
  return (
    <>
      <path
        d={curve(left.top + from - left.scrollTop, to.x, to.y)}
        className={classes.line}
        data-look="dragged"
      />
      <circle cx={to.x} cy={to.y} r={4} className={classes.end} />
    </>
  );
}
