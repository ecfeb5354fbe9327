"use client";

import { useQueryStates } from "nuqs";
import { useMemo } from "react";
import { useHotkey } from "@/lib/keys";
import { LiveDot } from "@/ui/LiveDot";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import classes from "./Feed.module.css";
import { FeedFilters } from "./FeedFilters";
import { FeedSearch } from "./FeedSearch";
import { FeedState } from "./FeedState";
import { FeedStatus } from "./FeedStatus";
import { feedParams, matcherOf } from "./filters";
import { useLiveFeed } from "./live";
import { LogView } from "./LogView";
import { PauseButton } from "./PauseButton";
import { rowsOf } from "./rows";

/** What happens, line by line, as it happens. */
export function Feed() {
  const [params, setParams] = useQueryStates(feedParams, { history: "replace" });
  const { store, snapshot, refusal } = useLiveFeed(params);
  const { matches, pattern, error } = useMemo(() => matcherOf(params), [params]);
  const { entries, gaps, unseen, pause } = snapshot;
  const rows = useMemo(() => rowsOf(entries, gaps, matches), [entries, gaps, matches]);
  const shown = useMemo(() => rows.reduce((count, { type }) => count + Number(type === "line"), 0), [rows]);
  const fresh = useMemo(() => unseen.filter(matches).length, [unseen, matches]);

  function toggle(): void {
    if (pause === null) store.pause("hold");
    else store.resume();
  }
  useHotkey("p", pause === null ? "Pause the feed" : "Follow the feed", "This page", toggle);

  return (
    <Page
      title="Live feed"
      purpose="Everything that happens, as it happens."
      badge={<LiveDot />}
      actions={
        <>
          <FeedSearch params={params} error={error} onChange={setParams} />
          <PauseButton isPaused={pause !== null} onToggle={toggle} />
        </>
      }
      fill
    >
      <Panel fill flush className={classes.panel}>
        <div className={classes.frame}>
          <FeedFilters params={params} onChange={setParams} />
          {rows.length === 0 ? (
            <div className={classes.state}>
              <FeedState
                params={params}
                refusal={refusal}
                hasBegun={snapshot.hasBegun}
                onChange={setParams}
              />
            </div>
          ) : (
            <LogView
              rows={rows}
              store={store}
              pause={pause}
              fresh={fresh}
              pattern={pattern}
              onFilter={setParams}
            />
          )}
          <FeedStatus snapshot={snapshot} shown={shown} />
        </div>
      </Panel>
    </Page>
  );
}
