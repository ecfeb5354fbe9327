"use client";

import { asApiError } from "@/lib/api/problem";
import { Id } from "./Id";
import { Notice } from "./Notice";

/** Why a form was refused, and the id to find it in the log by. Nothing while it was not. */
export function FormError({ title, error }: { title: string; error: unknown }) {
  if (error === null || error === undefined) return null;
  const { message, requestId } = asApiError(error);
  return (
    <Notice tone="failed" title={title} live>
      {message}
      {requestId !== null && (
        <div style={{ fontSize: "var(--mantine-font-size-xs)" }}>
          <Id value={requestId} what="request id" />
        </div>
      )}
    </Notice>
  );
}
