"use client";

import { Button, SegmentedControl, Skeleton } from "@mantine/core";
import { IconZoomReset } from "@tabler/icons-react";
import clsx from "clsx";
import dynamic from "next/dynamic";
import { useEffect, useState, type ReactNode } from "react";
import { duration } from "@/lib/time";
import { counted, number } from "@/ui/words";
import classes from "./Charts.module.css";
import { bucketLabel, inView, rangeWords, stepSeconds, totals } from "./range";
import { SeriesTable } from "./SeriesTable";
import type { useView } from "./useView";
import type { Overview } from "./verdict";

const PLOT_PX = 196;

// The library that draws is big, and nobody needs it to know whether everything is all right.
const Throughput = dynamic(() => import("./plots").then((plots) => plots.Throughput), {
  ssr: false,
  loading: PlotSpace,
});
const Latency = dynamic(() => import("./plots").then((plots) => plots.Latency), {
  ssr: false,
  loading: PlotSpace,
});

export interface ChartsProps {
  overview: Overview;
  view: ReturnType<typeof useView>;
  /** What is shown is of another range, as the chosen one is being read. */
  isOld: boolean;
}

/** The last hours in two questions, with one range, one zoom and one crosshair; or the same as a table. */
export function Charts({ overview, view: [{ range, zoom, show }, setView], isOld }: ChartsProps) {
  const isIdle = useAfterFirstPaint();
  const series = inView(overview.series, zoom);
  const isZoomed = series.length < overview.series.length;
  const sums = totals(series);
  const step = stepSeconds(overview.series);
  const first = series[0];
  const last = series.at(-1);
  const when =
    isZoomed && first !== undefined && last !== undefined
      ? `from ${bucketLabel(first.at, step)} to ${bucketLabel(endOf(last.at, step), step)}`
      : `in the ${rangeWords(range)}`;
  const p95 = isZoomed ? sums.slowest_ms : overview.p95_ms;
  const plots = {
    series,
    step,
    height: PLOT_PX,
    onZoom: (to: { from: number; to: number }) => void setView({ zoom: to }),
  };
  const words = {
    throughput: `${number(sums.delivered)} delivered, ${number(sums.failed)} failed ${when}`,
    latency: p95 === null ? `Nothing was delivered ${when}` : `${duration(p95)} ${when}`,
  };
  return (
    <section aria-labelledby="history" className={clsx(isOld && classes.old)}>
      <div className={classes.bar}>
        <h2 id="history" className={classes.heading}>
          History
        </h2>
        {isZoomed && (
          <Button
            size="compact-xs"
            leftSection={<IconZoomReset size={14} />}
            onClick={() => void setView({ zoom: null })}
          >
            Show all of the {rangeWords(range)}
          </Button>
        )}
        <SegmentedControl
          className={classes.show}
          aria-label="Show history as"
          value={show}
          onChange={(chosen) => void setView({ show: chosen === "table" ? "table" : "charts" })}
          data={[
            { value: "charts", label: "Charts" },
            { value: "table", label: "Table" },
          ]}
        />
      </div>
      {show === "table" ? (
        <SeriesTable series={series} step={step} when={when} />
      ) : (
        <div className={classes.charts}>
          <Chart
            title="What got through?"
            total={number(sums.delivered)}
            words={
              <>
                delivered,{" "}
                <span data-failed={sums.failed > 0 || undefined}>{number(sums.failed)} failed</span> {when}
              </>
            }
            label={`Throughput: ${words.throughput}, of ${counted(sums.received, "event")} that came in`}
          >
            {isIdle ? <Throughput {...plots} /> : <PlotSpace />}
          </Chart>
          <Chart
            title="How long did it take?"
            total={p95 === null ? "–" : duration(p95)}
            words={
              p95 === null
                ? `Nothing was delivered ${when}`
                : isZoomed
                  ? `p95 at worst, ${when}`
                  : `p95 ${when}`
            }
            label={`95 of 100 were delivered within: ${words.latency}`}
          >
            {isIdle ? <Latency {...plots} /> : <PlotSpace />}
          </Chart>
        </div>
      )}
    </section>
  );
}

interface ChartProps {
  title: string;
  total: string;
  words: ReactNode;
  /** What it shows, for those who cannot see it; the table has the rest. */
  label: string;
  children: ReactNode;
}

function Chart({ title, total, words, label, children }: ChartProps) {
  return (
    <figure className={classes.chart}>
      <figcaption className={classes.caption}>
        <span className={classes.title}>{title}</span>
        <span className={classes.total}>{total}</span> <span className={classes.words}>{words}</span>
      </figcaption>
      <div role="img" aria-label={label}>
        {children}
      </div>
    </figure>
  );
}

function PlotSpace() {
  return <Skeleton h={PLOT_PX} radius="md" animate={false} className={classes.space} />;
}

/** False until what matters more is on the screen. */
function useAfterFirstPaint(): boolean {
  const [isIdle, setIdle] = useState(false);
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      timer = setTimeout(() => {
        setIdle(true);
      }, 0);
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, []);
  return isIdle;
}

function endOf(at: string, step: number): string {
  return new Date(Date.parse(at) + step * 1000).toISOString();
}
