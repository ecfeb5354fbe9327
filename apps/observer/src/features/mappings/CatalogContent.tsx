"use client";

import { Button } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import Link from "next/link";
import type { ReactNode } from "react";
import { asApiError } from "@/lib/api/problem";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { Notice } from "@/ui/Notice";
import { SkeletonRows } from "@/ui/Skeletons";
import classes from "./CatalogContent.module.css";

/** Rows, a skeleton, or why there are none; what is known from the links is shown below the reason. */
export function CatalogContent({
  catalog,
  tool,
  what,
  known,
  children,
}: {
  catalog: UseQueryResult;
  tool: string;
  what: string;
  /** How many rows there are without the catalog. */
  known: number;
  children: ReactNode;
}) {
  if (catalog.data !== undefined) return children;
  if (!catalog.isError) return <SkeletonRows rows={12} />;
  const retry = () => void catalog.refetch();
  if (asApiError(catalog.error).status === 404) {
    return (
      <EmptyState
        title={`${tool} is not connected`}
        action={
          <Button component={Link} href="/settings/connections" variant="filled">
            Connect {tool}
          </Button>
        }
      >
        Its {what} appear here once it is.
      </EmptyState>
    );
  }
  const title = `The ${what} of ${tool} cannot be read`;
  if (known === 0) return <ErrorState title={title} error={catalog.error} onRetry={retry} />;
  return (
    <div className={classes.partial}>
      <div className={classes.notice}>
        <Notice tone="failed" title={title} action={<Button onClick={retry}>Try again</Button>}>
          {asApiError(catalog.error).message} Only what is linked is shown.
        </Notice>
      </div>
      <div className={classes.rest}>{children}</div>
    </div>
  );
}
