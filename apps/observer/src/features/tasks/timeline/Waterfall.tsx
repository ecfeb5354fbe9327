import { Fragment, useEffect, useMemo, useRef, useState } from "react";
import { duration } from "@/lib/time";
import { failedOf, type Hop } from "./hops";
import { HopDetail } from "./HopDetail";
import { HopRow } from "./HopRow";
import { silenceBefore, waterfall } from "./waterfall";
import classes from "./Waterfall.module.css";

/** Hops one below the other, each where it was in time; silences between them are said and cut short. */
export function Waterfall({ hops }: { hops: Hop[] }) {
  const { placed, breaks, ticks } = useMemo(() => waterfall(hops), [hops]);
  const [toggled, setToggled] = useState<Record<string, boolean>>({});
  const failed = failedOf(hops);
  const list = useRef<HTMLOListElement>(null);
  // Only what had failed when it was opened: nobody wants to be carried away while reading.
  useEffect(() => {
    list.current?.querySelector("[data-failed]")?.scrollIntoView({ block: "center" });
  }, []);
  const isOpen = (id: string) => toggled[id] ?? id === failed;
  return (
    <div className={classes.waterfall}>
      <div className={classes.scale} aria-hidden>
        {ticks.map(({ left, ms }) => (
          <span key={ms} className={classes.tick} style={{ left: `${left}%` }}>
            {ms === 0 ? "0" : `+${duration(ms)}`}
          </span>
        ))}
      </div>
      <div className={classes.breaks} aria-hidden>
        {breaks.map(({ left, width, end }) => (
          <span key={end} className={classes.break} style={{ left: `${left}%`, width: `${width}%` }} />
        ))}
      </div>
      <ol ref={list} className={classes.hops}>
        {hops.map((hop, index) => {
          const silence = silenceBefore(
            breaks,
            hops[index - 1]?.start ?? Number.POSITIVE_INFINITY,
            hop.start,
          );
          const { id, entry } = hop;
          return (
            <Fragment key={id}>
              {silence > 0 && <li className={classes.gap}>{duration(silence)} later</li>}
              <li
                className={classes.hop}
                data-open={isOpen(id) || undefined}
                data-failed={id === failed || undefined}
              >
                <HopRow
                  hop={hop}
                  place={placed.get(id) ?? { left: 0, width: 0, marks: [] }}
                  isOpen={isOpen(id)}
                  onToggle={() => {
                    setToggled({ ...toggled, [id]: !isOpen(id) });
                  }}
                />
                {entry !== null && isOpen(id) && <HopDetail hop={hop} entry={entry} />}
              </li>
            </Fragment>
          );
        })}
      </ol>
    </div>
  );
}
