"use client";

import { useQuery, useQueryClient, type QueryClient, type QueryKey } from "@tanstack/react-query";
import {
  createContext,
  use,
  useEffect,
  useEffectEvent,
  useState,
  useSyncExternalStore,
  type ReactNode,
} from "react";
import { bodyOf, type Model } from "../api/client";
import { noteOutcome } from "../api/health";
import { asApiError } from "../api/problem";
import { useApi } from "../api/provider";
import { followFeed, type Following } from "./feed";
import type { Frame, FrameName } from "./frames";
import { mapItems, tellsOfMore, withChange, withPresence } from "./patches";
import { AdminSocket, type LiveStatus } from "./socket";
import { fetchTicket } from "./ticket";

const POLL_MS = 15_000;
const INVALIDATE_MS = 1000;
const OFFLINE: LiveStatus = { state: "connecting", reason: null };

const SocketContext = createContext<AdminSocket | null>(null);

/** Keeps one socket for the page: what it hears patches the query cache; while it is away, reads are polled. */
export function LiveProvider({ children, socket: given }: { children: ReactNode; socket?: AdminSocket }) {
  const queries = useQueryClient();
  const [socket] = useState(() => given ?? new AdminSocket({ fetchTicket: noting(fetchTicket) }));

  useEffect(() => {
    const end = connectCache(socket, queries);
    socket.start();
    const wake = () => {
      if (socket.status.state === "reconnecting") socket.start();
    };
    window.addEventListener("online", wake);
    return () => {
      window.removeEventListener("online", wake);
      end();
      socket.stop();
    };
  }, [socket, queries]);

  return <SocketContext value={socket}>{children}</SocketContext>;
}

/** How the live connection is, when anything arrived last, and a way to try again now. */
export function useLive(): LiveStatus & { lastEventAt: () => number | null; retry: () => void } {
  const socket = useSocket();
  const status = useSyncExternalStore(
    socket.watch,
    () => socket.status,
    () => OFFLINE,
  );
  return { ...status, lastEventAt: () => socket.lastEventAt, retry: socket.start };
}

/** Hears one kind of frame for as long as the component is there. */
export function useLiveEvent<Name extends FrameName>(
  name: Name,
  handler: (frame: Frame<Name>) => void,
): void {
  const socket = useSocket();
  const latest = useEffectEvent(handler);
  useEffect(
    () =>
      socket.on(name, (frame) => {
        latest(frame);
      }),
    [socket, name],
  );
}

/** Follows the feed with these filters; other filters begin anew. One component at a time. */
export function useFeed(following: Following): void {
  const socket = useSocket();
  const wanted = JSON.stringify([following.filters, following.tail]);
  const onLines = useEffectEvent(following.onLines);
  const onBegun = useEffectEvent(() => following.onBegun?.());
  const onTruncated = useEffectEvent(() => following.onTruncated?.());
  const onRefused = useEffectEvent((reason: string) => following.onRefused?.(reason));
  useEffect(() => {
    const [filters, tail] = JSON.parse(wanted) as [Following["filters"], number];
    return followFeed(socket, {
      filters,
      tail,
      onLines: (lines) => {
        onLines(lines);
      },
      onBegun: () => {
        onBegun();
      },
      onTruncated: () => {
        onTruncated();
      },
      onRefused: (reason) => {
        onRefused(reason);
      },
    });
  }, [socket, wanted]);
}

/** The figures that every page shows; live while the socket is. */
export function useStats() {
  const api = useApi();
  return useQuery({
    queryKey: ["stats"],
    queryFn: async (): Promise<Frame<"stats">> => {
      const { unanswered, waiting, dead, agents, generated_at } = await bodyOf(
        api.GET("/v1/overview", { params: { query: { minutes: 5 } } }),
      );
      return {
        unanswered: unanswered.count,
        waiting_tasks: waiting.tasks,
        dead: dead.count,
        agents_online: agents.online,
        at: generated_at,
      };
    },
  });
}

function useSocket(): AdminSocket {
  const socket = use(SocketContext);
  if (socket === null) throw new Error("Live events are used outside of LiveProvider");
  return socket;
}

/** Lets frames change what queries hold. Returns what ends that. */
export function connectCache(socket: AdminSocket, queries: QueryClient): () => void {
  const later = createInvalidator(queries);
  let wasLive = false;
  const ends = [
    socket.on("stats", (stats) => {
      queries.setQueryData(["stats"], stats);
    }),
    socket.on("presence", (presence) => {
      const isMore = kept<Model<"AgentResource">>(queries, ["agents"]).some((agents) =>
        tellsOfMore(agents, presence),
      );
      patch<Model<"AgentResource">>(queries, ["agents"], (agent) => withPresence(agent, presence));
      if (isMore) later(["agents"]);
      later(["overview"]);
    }),
    socket.on("task", (change) => {
      patch<Model<"TaskResource">>(queries, ["tasks"], (task) => withChange(task, change));
      queries.setQueryData<Model<"TaskResource">>(
        ["task", change.id],
        (task) => task && withChange(task, change),
      );
      later(["tasks"]);
      later(["task", change.id]);
      later(["overview"]);
    }),
    socket.watch(() => {
      const isLive = socket.status.state === "live";
      // What happened in between was not heard.
      if (isLive && !wasLive) void queries.invalidateQueries();
      wasLive = isLive;
    }),
  ];
  const poll = setInterval(() => {
    // A read that is under way goes on: begun anew at each turn, a read of a hung Nexus would never come to its end.
    if (socket.status.state === "live") return;
    void queries.invalidateQueries({ refetchType: "active" }, { cancelRefetch: false });
  }, POLL_MS);
  return () => {
    clearInterval(poll);
    for (const end of ends) end();
  };
}

/** A ticket that Nexus does not give tells how Nexus is, and sooner than any read: of a hung one, the socket hears first. */
function noting(fetch: typeof fetchTicket): typeof fetchTicket {
  return async () => {
    try {
      return await fetch();
    } catch (error) {
      noteOutcome(asApiError(error));
      throw error;
    }
  };
}

type Kept<Item> = { items: Item[] } | { pages: { items: Item[] }[] };

function patch<Item>(queries: QueryClient, queryKey: QueryKey, change: (item: Item) => Item): void {
  queries.setQueriesData<Kept<Item>>({ queryKey }, (data) => data && mapItems(data, change));
}

/** What each query below a key holds. */
function kept<Item>(queries: QueryClient, queryKey: QueryKey): Item[][] {
  return queries
    .getQueriesData<Kept<Item>>({ queryKey })
    .flatMap(([, data]) => (data === undefined ? [] : [data]))
    .map((data) => ("items" in data ? data.items : data.pages.flatMap(({ items }) => items)));
}

/** Invalidates a key at most once a second, however many frames ask for it. */
function createInvalidator(queries: QueryClient): (key: QueryKey) => void {
  const pending = new Set<string>();
  return (queryKey) => {
    const name = JSON.stringify(queryKey);
    if (pending.has(name)) return;
    pending.add(name);
    setTimeout(() => {
      pending.delete(name);
      void queries.invalidateQueries({ queryKey });
    }, INVALIDATE_MS);
  };
}
