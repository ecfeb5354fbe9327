/** What can be seen of a column: all in pixels, `top` from the top of the drawing. */
export interface Viewport {
  top: number;
  height: number;
  scrollTop: number;
}

/** Both ends of a line, in pixels from the top of the drawing. */
export interface Ends {
  from: number;
  to: number;
  /** One end is scrolled out of sight. */
  isPartial: boolean;
}

/** How far outside an end may lie: the line then leaves over the edge instead of shooting away. */
const BEYOND_PX = 48;
/** How much of a curve's width its ends are level for. */
const LEVEL = 0.45;

/**
 * Where a line between two rows runs; null when neither can be seen. `fromCentre` and `toCentre` are the middles of the
 * rows in the content of their columns, `heading` what covers the top of each column.
 */
export function endsOf(
  fromCentre: number,
  toCentre: number,
  left: Viewport,
  right: Viewport,
  heading: number,
): Ends | null {
  const from = endIn(fromCentre, left, heading);
  const to = endIn(toCentre, right, heading);
  if (!from.isSeen && !to.isSeen) return null;
  return { from: from.y, to: to.y, isPartial: !(from.isSeen && to.isSeen) };
}

/** An SVG path from the left edge at `from` to the right one, level at both ends. */
export function curve(from: number, toX: number, to: number, fromX = 0): string {
  const bend = Math.max(12, Math.abs(toX - fromX) * LEVEL);
  const [x1, x2] = [fromX + bend, toX - bend];
  return `M ${fromX} ${from.toFixed(1)} C ${x1} ${from.toFixed(1)}, ${x2} ${to.toFixed(1)}, ${toX} ${to.toFixed(1)}`;
}

function endIn(centre: number, { top, height, scrollTop }: Viewport, heading: number) {
  const y = centre - scrollTop;
  const isSeen = y >= heading && y <= height;
  return { y: top + Math.min(height + BEYOND_PX, Math.max(-BEYOND_PX, y)), isSeen };
}
