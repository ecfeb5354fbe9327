"use client";

import { Button } from "@mantine/core";
import Link from "next/link";
import { FormError } from "@/ui/FormError";
import { Notice } from "@/ui/Notice";
import { SkeletonText } from "@/ui/Skeletons";
import classes from "./ConnectDrawer.module.css";
import { CheckList } from "./CheckList";
import { verdict, type Connection } from "./connecting";
import { useConnectionTest } from "./queries";

export interface ConnectedProps {
  connection: Connection;
  /** What was to be renewed: another workspace may have come of it. */
  renewed: Connection | undefined;
  onDone: () => void;
}

/** The credentials were accepted: tests at once whether everything else is right, too. */
export function Connected({ connection, renewed, onDone }: ConnectedProps) {
  const test = useConnectionTest(connection.id, true);
  const isOther = renewed !== undefined && renewed.id !== connection.id;
  const result = test.data && verdict(test.data.checks);
  return (
    <section className={classes.part} aria-live="polite" aria-busy={test.isFetching}>
      {isOther ? (
        <Notice tone="waiting" title={`These credentials are of another workspace: ${connection.name}`}>
          It is connected now, beside {renewed.name}, whose credentials are as before.
        </Notice>
      ) : (
        <Notice
          tone={result?.tone ?? "active"}
          title={renewed === undefined ? `${connection.name} is connected` : `${connection.name} is renewed`}
        >
          {result?.words ?? "Testing whether everything works…"}
        </Notice>
      )}
      {test.data !== undefined ? (
        <CheckList checks={test.data.checks} />
      ) : (
        test.isFetching && <SkeletonText />
      )}
      <FormError title="The test did not come about" error={test.error} />
      <div className={classes.next}>
        <Button onClick={() => void test.refetch()} loading={test.isFetching}>
          Test again
        </Button>
        <Button component={Link} href="/mappings">
          Link lists to channels
        </Button>
        <Button variant="filled" onClick={onDone}>
          Done
        </Button>
      </div>
    </section>
  );
}
