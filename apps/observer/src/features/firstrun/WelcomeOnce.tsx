"use client";

import { useRouter } from "next/navigation";
import { useEffect } from "react";
import { isUntouched, type FirstRun } from "./steps";

const WELCOMED = "oblivion.welcomed";

/** Leads whoever comes to an empty system to the welcome, once. */
export function WelcomeOnce({ firstRun }: { firstRun: FirstRun }): null {
  const router = useRouter();
  const isEmpty = isUntouched(firstRun);
  useEffect(() => {
    if (isEmpty && isFirstVisit()) router.replace("/welcome");
  }, [isEmpty, router]);
  return null;
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
