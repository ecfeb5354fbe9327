"use client";

import { ErrorState } from "@/ui/ErrorState";
import { Page } from "@/ui/Page";
import { BoardSkeleton } from "./BoardSkeleton";
import { Linker } from "./Linker";
import { useMappings } from "./queries";

const PAGE = { title: "Mappings", purpose: "Decide which Slack channel hears about each ClickUp list." };

/** The page where lists are linked to channels. */
export function Mappings() {
  const mappings = useMappings();
  // Without the links, every list would look as if it had none.
  if (mappings.data === undefined) {
    return (
      <Page {...PAGE} fill>
        {mappings.isError ? (
          <ErrorState
            title="The links cannot be read"
            error={mappings.error}
            onRetry={() => void mappings.refetch()}
          />
        ) : (
          <BoardSkeleton />
        )}
      </Page>
    );
  }
  return <Linker page={PAGE} mappings={mappings.data.items} />;
}
