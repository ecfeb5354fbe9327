import classes from "./LoadBar.module.css";

/** How many of an agent's slots are taken, as a bar and in figures. */
export function LoadBar({
  load,
  capacity,
  wide = false,
}: {
  load: number;
  capacity: number;
  wide?: boolean;
}) {
  const part = capacity === 0 ? (load > 0 ? 1 : 0) : Math.min(1, load / capacity);
  const level = capacity === 0 ? "none" : load >= capacity ? "full" : "free";
  if (wide && capacity === 0) return <span className={classes.load}>{words(load, capacity)}</span>;
  return (
    <span className={classes.load} data-wide={wide || undefined} title={words(load, capacity)}>
      <span className={classes.track} aria-hidden>
        <span className={classes.fill} data-level={level} style={{ width: `${part * 100}%` }} />
      </span>
      <span className="tabular" aria-hidden>
        {capacity > 0 ? `${load} / ${capacity}` : load > 0 ? load : "–"}
      </span>
      <span className="visually-hidden">{words(load, capacity)}</span>
    </span>
  );
}

function words(load: number, capacity: number): string {
  if (capacity === 0)
    return load === 0 ? "No slots while it is offline" : `Holds ${load} while it is offline`;
  return `${load} of ${capacity} slots taken${load >= capacity ? ", full" : ""}`;
}
