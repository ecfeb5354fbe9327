"use client";

import { useEffect, useRef, useState } from "react";
import { asApiError } from "@/lib/api/problem";
import { toastDone, toastFailed } from "@/ui/toasts";
import { counted } from "@/ui/words";
import { useWrites } from "./queries";
import type { ListRow } from "./boardModel";
import { inverseOf, type Named, type Write } from "./writes";

/** A list and the channel that it would be linked to. */
export interface Proposal {
  list: ListRow;
  channel: Named;
}

/** How many are asked for at once. */
const AT_ONCE = 4;

/** Links many lists, a few at a time. One that fails does not keep the others; `onAllWell` is called when none did. */
export function useBulk(onAllWell: () => void) {
  const [results, setResults] = useState<ReadonlyMap<string, string | null>>(new Map());
  const [total, setTotal] = useState(0);
  const [isRunning, setRunning] = useState(false);
  const isStopped = useRef(false);
  const { mutateAsync } = useWrites({ onDone: () => undefined, onFailed: () => undefined });

  // Closing the dialog ends it after those that are under way.
  useEffect(
    () => () => {
      isStopped.current = true;
    },
    [],
  );

  async function run(proposals: readonly Proposal[]): Promise<void> {
    isStopped.current = false;
    setRunning(true);
    setTotal(results.size + proposals.length);
    const undos: Write[] = [];
    let failed = 0;
    await each(proposals, isStopped, async ({ list, channel }) => {
      let result: string | null = null;
      try {
        const write: Write = { kind: "link", list, channel };
        const inverse = inverseOf(write, await mutateAsync(write));
        if (inverse !== null) undos.push(inverse);
      } catch (error) {
        failed += 1;
        result = asApiError(error).message;
      }
      setResults((before) => new Map(before).set(list.id, result));
    });
    setRunning(false);
    if (undos.length > 0) {
      toastDone(`${counted(undos.length, "list")} linked.`, () => void takeBack(undos));
    }
    if (failed === 0 && undos.length === proposals.length) onAllWell();
  }

  async function takeBack(undos: readonly Write[]): Promise<void> {
    let failure: unknown = null;
    let failed = 0;
    await each(undos, { current: false }, async (undo) => {
      try {
        await mutateAsync(undo);
      } catch (error) {
        failed += 1;
        failure = error;
      }
    });
    if (failed === 0) toastDone(`${counted(undos.length, "list")} unlinked again.`);
    else toastFailed(`Could not unlink ${counted(failed, "list")}`, failure);
  }

  const failures = [...results.values()].filter((result) => result !== null).length;
  const linked = results.size - failures;
  return {
    /** By list id: null is linked, else why not. */
    results,
    total,
    isRunning,
    summary: results.size === 0 ? "" : `${linked} linked${failures === 0 ? "" : `, ${failures} failed`}`,
    run: (proposals: readonly Proposal[]) => void run(proposals),
    stop: () => {
      isStopped.current = true;
    },
  };
}

/** Does the same with each, a few at a time, until it is stopped. */
async function each<T>(
  items: readonly T[],
  isStopped: { readonly current: boolean },
  act: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) {
      if (isStopped.current) return;
      await act(item);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
