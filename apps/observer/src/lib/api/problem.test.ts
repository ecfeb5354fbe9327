// @vitest-environment node
import { describe, expect, test } from "vitest";
import { ApiError, NEXUS_AWAY, UNREACHABLE, asApiError, problemOf } from "./problem";

function answer(body: unknown, status: number, headers: Record<string, string> = {}): Response {
  return new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers });
}

describe("the error of an answer", () => {
  test("has the words, the code and the request id of a problem", async () => {
    const problem = {
      title: "Conflict",
      status: 409,
      code: "over",
      detail: "The task is over.",
      request_id: "r-1",
    };
    const error = await problemOf(answer(problem, 409));
    expect(error).toMatchObject({
      status: 409,
      code: "over",
      message: "The task is over.",
      requestId: "r-1",
    });
  });

  test("says the status when there is no problem in it, and keeps the request id of the header", async () => {
    const error = await problemOf(answer("<html>", 500, { "x-request-id": "r-2" }));
    expect(error.message).toContain("500");
    expect(error.requestId).toBe("r-2");
  });

  test("falls back on the title when there is no detail", async () => {
    const error = await problemOf(answer({ title: "Forbidden", status: 403, code: "forbidden" }, 403));
    expect(error.message).toBe("Forbidden");
  });
});

describe("what kind of error it is", () => {
  test("a fetch that failed got no answer", () => {
    const error = asApiError(new TypeError("fetch failed"));
    expect(error).toMatchObject({ code: UNREACHABLE, status: 0, isAway: true, isTemporary: true });
  });

  test("Nexus being away is about nobody's request", () => {
    expect(new ApiError(503, NEXUS_AWAY, "")).toMatchObject({ isAway: true, isTemporary: true });
  });

  test("a refusal is neither away nor temporary", () => {
    expect(new ApiError(403, "forbidden", "")).toMatchObject({ isAway: false, isTemporary: false });
  });

  test("a bug of ours is not tried again", () => {
    expect(new ApiError(500, "internal", "").isTemporary).toBe(false);
  });

  test("an error that is one already is kept", () => {
    const error = new ApiError(404, "not_found", "");
    expect(asApiError(error)).toBe(error);
  });
});
