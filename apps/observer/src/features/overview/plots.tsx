"use client";

import { BarChart, LineChart } from "@mantine/charts";
import "@mantine/charts/styles.layer.css";
import { useState } from "react";
import type { MouseHandlerDataParam } from "recharts";
import { duration } from "@/lib/time";
import { number } from "@/ui/words";
import classes from "./Charts.module.css";
import { axisDuration, bucketLabel, zoomBetween, type Bucket, type Zoom } from "./range";

/** Charts of one group show the same moment under the pointer. */
const GROUP = "history";
const DELIVERED = { name: "delivered", label: "Delivered", color: "var(--plot-ok)" };
const FAILED = { name: "failed", label: "Failed", color: "var(--obs-failed)" };
const P95 = { name: "p95_ms", label: "p95", color: "var(--obs-active)" };

export interface PlotProps {
  series: Bucket[];
  /** Length of a bucket in seconds. */
  step: number;
  height: number;
  onZoom: (zoom: Zoom) => void;
}

/** Delivered and failed, one on top of the other, over time. */
export function Throughput({ series, step, height, onZoom }: PlotProps) {
  const drag = useDrag(series, onZoom);
  const isEmpty = series.every(({ delivered, failed }) => delivered + failed === 0);
  return (
    <BarChart
      {...common(step, height)}
      type="stacked"
      data={series}
      series={[DELIVERED, FAILED]}
      valueFormatter={number}
      barProps={{ radius: 1.5 }}
      maxBarWidth={22}
      barChartProps={{ ...drag.handlers, barCategoryGap: "16%", margin: MARGIN, syncId: GROUP }}
      referenceAreas={drag.areas}
      yAxisProps={{ width: AXIS_PX, allowDecimals: false, tickCount: 4, domain: [0, isEmpty ? 4 : "auto"] }}
      tooltipProps={{
        content: ({ label }) => (
          <Tip series={series} at={label} step={step} rows={[DELIVERED, FAILED]} format={number} />
        ),
      }}
    />
  );
}

/** The 95th percentile of how long deliveries took, over time. */
export function Latency({ series, step, height, onZoom }: PlotProps) {
  const drag = useDrag(series, onZoom);
  return (
    <LineChart
      {...common(step, height)}
      data={series}
      series={[P95]}
      curveType="linear"
      strokeWidth={1.5}
      dotProps={{ r: 2, strokeWidth: 0, fill: P95.color }}
      activeDotProps={{ r: 4, strokeWidth: 0, fill: P95.color }}
      connectNulls
      valueFormatter={axisDuration}
      lineChartProps={{ ...drag.handlers, margin: MARGIN, syncId: GROUP }}
      referenceAreas={drag.areas}
      yAxisProps={{ width: AXIS_PX, tickCount: 4, domain: [0, "auto"] }}
      tooltipProps={{
        content: ({ label }) => <Tip series={series} at={label} step={step} rows={[P95]} format={duration} />,
      }}
    />
  );
}

/** The same for both, so that one moment is at the same place in both. */
const AXIS_PX = 56;
const MARGIN = { top: 4, right: 4, bottom: 0, left: 0 };

function common(step: number, height: number) {
  return {
    h: height,
    className: classes.plot,
    dataKey: "at",
    tickLine: "none" as const,
    strokeDasharray: "2 4",
    // Its name and the table say the same to those who do not see it, without sixty stops of the Tab key.
    accessibilityLayer: false,
    xAxisProps: {
      scale: "band" as const,
      tickFormatter: (at: string) => bucketLabel(at, step),
      minTickGap: 48,
      height: 26,
    },
  };
}

/** Picks a part of the time by dragging over it. */
function useDrag(series: Bucket[], onZoom: (zoom: Zoom) => void) {
  const [dragged, setDragged] = useState<{ from: string; to: string } | null>(null);
  const end = () => {
    const zoom = dragged === null ? null : zoomBetween(series, dragged.from, dragged.to);
    setDragged(null);
    if (zoom !== null) onZoom(zoom);
  };
  const isDrag = dragged !== null && dragged.from !== dragged.to;
  return {
    areas: isDrag ? [{ x1: dragged.from, x2: dragged.to, color: "var(--obs-active)" }] : [],
    handlers: {
      onMouseDown: ({ activeLabel }: MouseHandlerDataParam) => {
        if (typeof activeLabel === "string") setDragged({ from: activeLabel, to: activeLabel });
      },
      onMouseMove: ({ activeLabel }: MouseHandlerDataParam) => {
        if (dragged !== null && typeof activeLabel === "string" && activeLabel !== dragged.to) {
          setDragged({ ...dragged, to: activeLabel });
        }
      },
      onMouseUp: end,
      onMouseLeave: end,
    },
  };
}

interface TipProps {
  series: Bucket[];
  at: unknown;
  step: number;
  rows: { name: string; label: string; color: string }[];
  format: (value: number) => string;
}

function Tip({ series, at, step, rows, format }: TipProps) {
  const bucket = series.find((each) => each.at === at);
  if (bucket === undefined) return null;
  const end = new Date(Date.parse(bucket.at) + step * 1000).toISOString();
  const values: Record<string, unknown> = { ...bucket };
  return (
    <div className={classes.tooltip}>
      <div className={classes.tooltipTime}>
        {bucketLabel(bucket.at, step)} – {bucketLabel(end, step)}
      </div>
      {rows.map(({ name, label, color }) => {
        const value = values[name];
        return (
          <div key={name} className={classes.tooltipRow}>
            <span className={classes.swatch} style={{ background: color }} />
            {label}
            <b>{typeof value === "number" ? format(value) : "–"}</b>
          </div>
        );
      })}
    </div>
  );
}
