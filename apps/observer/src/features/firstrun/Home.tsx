"use client";

import { useRouter } from "next/navigation";
import { useEffect } from "react";
import { useOverview } from "@/features/overview/queries";
import { OverviewSkeleton } from "@/features/overview/OverviewSkeleton";
import { Page } from "@/ui/Page";
import { isUntouched } from "./steps";

const MINUTES = 60;
const WELCOMED = "oblivion.welcomed";

/** Where people begin: an empty system welcomes them, once; any other shows how it is. */
export function Home() {
  const router = useRouter();
  const { data, isError } = useOverview(MINUTES);
  const isEmpty = data === undefined ? null : isUntouched(data.first_run);
  useEffect(() => {
    if (isEmpty === null && !isError) return;
    router.replace(isEmpty === true && isFirstVisit() ? "/welcome" : "/overview");
  }, [isEmpty, isError, router]);
  return (
    <Page title="Overview" purpose="Is everything all right?">
      <OverviewSkeleton />
    </Page>
  );
}

function isFirstVisit(): boolean {
  try {
    if (localStorage.getItem(WELCOMED) !== null) return false;
    localStorage.setItem(WELCOMED, new Date().toISOString());
    return true;
  } catch {
    return true; // nothing can be kept here, so that every visit is the first
  }
}
