"use client";

import { notifications } from "@mantine/notifications";
import { useRef, useState } from "react";
import { parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { useHotkey } from "@/lib/keys";
import { usePermission } from "@/lib/me";
import { toastDone, toastFailed } from "@/ui/toasts";
import { asApiError } from "@/lib/api/problem";
import { isIn, matches, nextUnlinked, TABS, type Board, type ListRow } from "./boardModel";
import { pairOf, type Pair } from "./pairing";
import { useWrites } from "./queries";
import { doneWords, failedWords, inverseOf, isPending, type Write } from "./writes";

/** What is in the URL: every view can be sent to somebody. */
export function useMappingsUrl() {
  return useQueryStates({
    tab: parseAsStringLiteral(TABS).withDefault("all"),
    lists: parseAsString.withDefault(""),
    channels: parseAsString.withDefault(""),
    list: parseAsString,
  });
}

const GROUP = "This page";

export interface Mapper {
  pair: Pair;
  /** The lists of this tab that the filter finds. */
  lists: ListRow[];
  /** Chooses a list; the same again lets it go. */
  chooseList: (id: string) => void;
  /** Goes to a list with the keyboard. */
  goToList: (id: string) => void;
  chooseChannel: (id: string) => void;
  goToChannel: (id: string) => void;
  clear: () => void;
  /** Links or moves the pair. */
  act: () => void;
  /** Links or moves this list to this channel, as a drop does. */
  connect: (listId: string, channelId: string) => void;
  unlink: () => void;
  write: (write: Write) => void;
  goToNext: () => void;
  /** The list that was linked last. */
  freshListId: string | null;
  /** For those who cannot see the screen. */
  said: string;
  say: (words: string) => void;
}

export interface MapperOptions {
  /** Told which list comes next after a link was made. */
  onNext: (listId: string) => void;
  /** After a link the next list comes; else nothing is chosen. */
  advances: boolean;
  /** A dialog is open: keys are for that one. */
  areKeysOff: boolean;
}

/** What a person has chosen on the board, and what can be done with it. */
export function useMapper(board: Board, { onNext, advances, areKeysOff }: MapperOptions): Mapper {
  const [url, setUrl] = useMappingsUrl();
  const [picked, setPicked] = useState<string | null>(null);
  const [freshListId, setFresh] = useState<string | null>(null);
  const [said, say] = useState("");
  /** What takes the last changes back, the latest last. */
  const undos = useRef<Write[]>([]);
  const takenBack = useRef(new WeakSet<Write>());
  const toast = useRef("");
  const { allowed } = usePermission("operate");

  const channelOf = (id: string) => board.channels.find((channel) => channel.id === id) ?? null;
  const listOf = (id: string | null) => board.lists.find((list) => list.id === id) ?? null;
  const lists = board.lists.filter(
    (list) => isIn(url.tab, list) && matches(url.lists, list.name, list.group),
  );
  const pair = pairOf(listOf(url.list), picked === null ? null : channelOf(picked), channelOf);

  const { mutate } = useWrites({
    onDone: (done, answer) => {
      const inverse = takenBack.current.has(done) ? null : inverseOf(done, answer);
      const words = doneWords(done);
      say(words);
      // Eight links in a row are not eight toasts; the key takes back the others.
      notifications.hide(toast.current);
      if (inverse === null) toast.current = toastDone(words);
      else {
        undos.current.push(inverse);
        toast.current = toastDone(words, () => {
          takeBack(inverse);
        });
      }
    },
    onFailed: (failed, error) => {
      say(`${failedWords(failed)}. ${asApiError(error).message}`);
      toastFailed(failedWords(failed), error, () => {
        write(failed);
      });
    },
  });

  function write(wanted: Write): void {
    if (wanted.kind === "link" || wanted.kind === "move") {
      setFresh(wanted.kind === "link" ? wanted.list.id : wanted.mapping.list_id);
    }
    mutate(wanted);
  }

  function takeBack(inverse: Write | undefined): void {
    // It may have been taken back by the key already.
    if (inverse === undefined || !undos.current.includes(inverse)) return;
    undos.current = undos.current.filter((each) => each !== inverse);
    takenBack.current.add(inverse);
    write(inverse);
  }

  function choose(id: string | null): void {
    // A channel that was picked before any list is for the list that comes.
    setPicked((channel) => (url.list === null ? channel : null));
    void setUrl({ list: id });
  }

  function clear(): void {
    setPicked(null);
    void setUrl({ list: null });
  }

  function goToNext(): void {
    const next = nextUnlinked(lists, url.list);
    if (next === null) {
      say(board.counts.unlinked <= 1 ? "All lists are linked." : "No other list here waits for a channel.");
      return;
    }
    setPicked(null);
    void setUrl({ list: next.id });
    onNext(next.id);
  }

  function connect(listId: string, channelId: string): void {
    const list = listOf(listId);
    const channel = channelOf(channelId);
    if (!allowed || list === null || channel === null) return;
    const wanted = pairOf(list, channel, channelOf);
    if ("blocked" in wanted && wanted.blocked === null) perform(wanted);
    else {
      // The bar says why not.
      setPicked(channelId);
      void setUrl({ list: listId });
      if ("blocked" in wanted && wanted.blocked !== null) say(wanted.blocked);
    }
  }

  function perform(wanted: Pair): void {
    if (wanted.kind === "link") {
      const { list, channel } = wanted;
      write({ kind: "link", list, channel });
      if (url.list === list.id) (advances ? goToNext : clear)();
    } else if (wanted.kind === "move" && !isPending(wanted.mapping)) {
      write({ kind: "move", mapping: wanted.mapping, channel: wanted.channel });
      setPicked(null);
    }
  }

  function unlink(): void {
    if (pair.kind !== "linked" && pair.kind !== "move") return;
    if (!isPending(pair.mapping)) write({ kind: "unlink", mapping: pair.mapping });
    setPicked(null);
  }

  const isFull = board.counts.unlinked === 0;
  useHotkey("n", "Next list that is not linked", GROUP, goToNext, areKeysOff || isFull);
  useHotkey("Escape", "Let go of what is chosen", GROUP, clear, areKeysOff || pair.kind === "nothing");
  const undo = () => {
    takeBack(undos.current.at(-1));
  };
  useHotkey("z", "Take back the last change", GROUP, undo, areKeysOff || !allowed);

  return {
    pair,
    lists,
    chooseList: (id) => {
      choose(id === url.list ? null : id);
    },
    goToList: choose,
    chooseChannel: (id) => {
      setPicked(id === picked ? null : id);
    },
    goToChannel: setPicked,
    clear,
    act: () => {
      if (!("blocked" in pair) || pair.blocked === null) perform(pair);
    },
    connect,
    unlink,
    write,
    goToNext,
    freshListId,
    said,
    say,
  };
}
