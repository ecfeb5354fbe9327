"use client";

import { useEffect, useState } from "react";
import type { Viewport } from "./geometry";

/** How far inside of each column a line begins: where the row has its dot. */
export const PORT_PX = 11;

export interface Viewports {
  /** Where the drawing lies in the frame, in pixels. */
  box: { left: number; top: number; width: number; height: number };
  /** Where the drawing lies in the window. */
  origin: { x: number; y: number };
  left: Viewport;
  right: Viewport;
}

/**
 * Where the two columns are in their frame, and how far they are scrolled; null until they are there. In an effect, as
 * a child's layout effect would run before the frame is known, and again once the fonts have come.
 */
export function useViewports(
  frame: HTMLElement | null,
  left: HTMLElement | null,
  right: HTMLElement | null,
): Viewports | null {
  const [viewports, setViewports] = useState<Viewports | null>(null);

  useEffect(() => {
    if (frame === null || left === null || right === null) return;
    let pending = 0;
    const measure = () => {
      pending = 0;
      setViewports(measured(frame, left, right));
    };
    const later = () => {
      if (pending === 0) pending = requestAnimationFrame(measure);
    };
    const resizes = new ResizeObserver(later);
    for (const element of [frame, left, right]) resizes.observe(element);
    left.addEventListener("scroll", later, { passive: true });
    right.addEventListener("scroll", later, { passive: true });
    void document.fonts.ready.then(later);
    later();
    return () => {
      cancelAnimationFrame(pending);
      resizes.disconnect();
      left.removeEventListener("scroll", later);
      right.removeEventListener("scroll", later);
    };
  }, [frame, left, right]);

  return frame === null || left === null || right === null ? null : viewports;
}

function measured(frame: HTMLElement, left: HTMLElement, right: HTMLElement): Viewports {
  const [outer, from, to] = [frame, left, right].map((element) => element.getBoundingClientRect()) as [
    DOMRect,
    DOMRect,
    DOMRect,
  ];
  const top = Math.min(from.top, to.top);
  const start = from.right - PORT_PX;
  const box = {
    left: start - outer.left,
    top: top - outer.top,
    width: to.left + PORT_PX - start,
    height: Math.max(from.bottom, to.bottom) - top,
  };
  return {
    box,
    origin: { x: start, y: top },
    left: { top: from.top - top, height: from.height, scrollTop: left.scrollTop },
    right: { top: to.top - top, height: to.height, scrollTop: right.scrollTop },
  };
}
