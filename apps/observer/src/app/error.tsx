"use client";

import { ErrorState } from "@/ui/ErrorState";

export default function RootError({ error, reset }: { error: Error; reset: () => void }) {
  return <ErrorState title="This page stopped working" error={error} onRetry={reset} />;
}
