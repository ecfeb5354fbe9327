"use client";

import { useEffect, useEffectEvent, useRef, useState, type PointerEvent as ReactPointerEvent } from "react";

/** A list that is being dragged: where the pointer is in the window, and the channel under it. */
export interface Drag {
  listId: string;
  x: number;
  y: number;
  over: string | null;
}

/** Less movement than this is a click. */
const SLOP_PX = 4;
const EDGE_PX = 40;
const SCROLL_PX = 12;

/**
 * Dragging a list onto a channel: an extra for the mouse, as a list and a channel can be chosen one after the other.
 * Near the edges of `scroller` the channels scroll. Escape, or letting go elsewhere, ends it without effect.
 */
export function useDrag(scroller: HTMLElement | null, onDrop: (listId: string, channelId: string) => void) {
  const [drag, setDrag] = useState<Drag | null>(null);
  const end = useRef<(() => void) | null>(null);
  const drop = useRef(onDrop);

  useEffect(() => {
    drop.current = onDrop;
  });
  useEffect(() => () => end.current?.(), []);

  // While the pointer rests at an edge, no event says so.
  const isDragging = drag !== null;
  const follow = useEffectEvent(() => {
    if (drag === null || scroller === null) return;
    const { top, bottom, left } = scroller.getBoundingClientRect();
    if (drag.x < left - EDGE_PX) return;
    if (drag.y < top + EDGE_PX) scroller.scrollTop -= SCROLL_PX;
    else if (drag.y > bottom - EDGE_PX) scroller.scrollTop += SCROLL_PX;
    else return;
    setDrag({ ...drag, over: channelAt(drag.x, drag.y) });
  });
  useEffect(() => {
    if (!isDragging) return;
    let frame = requestAnimationFrame(function step() {
      follow();
      frame = requestAnimationFrame(step);
    });
    return () => {
      cancelAnimationFrame(frame);
    };
  }, [isDragging]);

  function begin(listId: string, event: ReactPointerEvent): void {
    if (event.button !== 0) return;
    event.preventDefault();
    const { clientX, clientY, pointerId } = event;
    let moved = false;
    const listening = new AbortController();
    const { signal } = listening;
    const stop = () => {
      listening.abort();
      end.current = null;
      setDrag(null);
    };
    end.current?.();
    end.current = stop;
    const isOther = (other: PointerEvent) => other.pointerId !== pointerId;

    window.addEventListener(
      "pointermove",
      (move) => {
        if (isOther(move)) return;
        moved ||= Math.hypot(move.clientX - clientX, move.clientY - clientY) > SLOP_PX;
        const { clientX: x, clientY: y } = move;
        if (moved) setDrag({ listId, x, y, over: channelAt(x, y) });
      },
      { signal },
    );
    window.addEventListener(
      "pointerup",
      (up) => {
        if (isOther(up)) return;
        stop();
        const over = moved ? channelAt(up.clientX, up.clientY) : null;
        if (over !== null) drop.current(listId, over);
      },
      { signal },
    );
    window.addEventListener("pointercancel", stop, { signal });
    window.addEventListener("blur", stop, { signal });
    window.addEventListener(
      "keydown",
      (key) => {
        if (key.key !== "Escape") return;
        key.stopPropagation();
        stop();
      },
      { signal, capture: true },
    );
  }

  return { drag, begin };
}

function channelAt(x: number, y: number): string | null {
  const under = document.elementFromPoint(x, y)?.closest<HTMLElement>("[data-channel]");
  return under?.dataset.channel ?? null;
}
