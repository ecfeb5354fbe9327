"use client";

import { lazy, Suspense, useEffect, useState, type ComponentType, type ReactNode } from "react";

/**
 * A component that no page waits for, such as a dialog: it is fetched once the page stands, and drawn when it has
 * come. `load` must import its file itself, for a bundler reads that.
 */
export function lazily<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
): (props: Props) => ReactNode {
  const Loaded = lazy(async () => ({ default: await load() }));
  return function Lazily(props: Props) {
    const [doesPageStand, setPageStands] = useState(false);
    // What the server draws, it also makes the browser load at once.
    useEffect(() => {
      setPageStands(true);
    }, []);
    return (
      doesPageStand && (
        <Suspense fallback={null}>
          <Loaded {...props} />
        </Suspense>
      )
    );
  };
}
