"use client";

import { Anchor, Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { IconAlertTriangle } from "@tabler/icons-react";
import { usePathname, useSearchParams } from "next/navigation";
import { useHealth } from "@/lib/api/health";
import { signInPath } from "@/lib/return-path";
import classes from "./Banner.module.css";

/** The one place that says that nothing here can be trusted or done at the moment, and why. */
export function Banner() {
  const { health, reason } = useHealth();
  const queries = useQueryClient();
  const pathname = usePathname();
  const search = useSearchParams().toString();
  if (health === "well" || health === "not_member") return null;
  const from = search === "" ? pathname : `${pathname}?${search}`;
  return (
    <div className={classes.banner} role="alert" data-health={health}>
      <IconAlertTriangle size={15} />
      {health === "signed_out" ? (
        <span>
          Your session ended, so nothing new is shown. <Anchor href={signInPath(from)}>Sign in again</Anchor>
        </span>
      ) : (
        <>
          <span>{reason} What you see may be out of date; we keep trying.</span>
          <Button size="compact-xs" onClick={() => void queries.invalidateQueries()}>
            Try now
          </Button>
        </>
      )}
    </div>
  );
}
