"use client";

import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { bodyOf } from "@/lib/api/client";
import { useApi } from "@/lib/api/provider";

const PAGE = 100;

/** What narrows the audit log. */
export interface AuditFilter {
  actor: string | null;
  action: string | null;
}

/** Who did what, newest first, page by page. */
export function useAudit({ actor, action }: AuditFilter) {
  const api = useApi();
  return useInfiniteQuery({
    queryKey: ["audit", { actor, action }],
    queryFn: ({ pageParam: cursor, signal }) =>
      bodyOf(
        api.GET("/v1/audit", {
          params: {
            query: {
              limit: PAGE,
              cursor,
              ...(actor === null ? {} : { actor }),
              ...(action === null ? {} : { action }),
            },
          },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
}
