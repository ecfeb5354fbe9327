"use client";

import type { Route } from "next";
import Link from "next/link";
import { usePathname } from "next/navigation";
import classes from "./LinkTabs.module.css";

/** Tabs that are pages of their own. */
export function LinkTabs<T extends string>({
  label,
  tabs,
}: {
  label: string;
  tabs: readonly { href: Route<T>; label: string }[];
}) {
  const pathname = usePathname();
  return (
    <nav aria-label={label} className={classes.tabs}>
      {tabs.map((tab) => (
        <Link
          key={tab.href}
          href={tab.href}
          className={classes.tab}
          aria-current={pathname === tab.href ? "page" : undefined}
        >
          {tab.label}
        </Link>
      ))}
    </nav>
  );
}
