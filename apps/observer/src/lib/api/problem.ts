import * as v from "valibot";

const problemBody = v.object({
  title: v.string(),
  status: v.number(),
  code: v.string(),
  detail: v.nullish(v.string()),
  request_id: v.nullish(v.string()),
});

/** Code of a call that got no answer at all: the network, or Observer's own server, is away. */
export const UNREACHABLE = "unreachable";
/** Code of a call that Observer answered because it could not reach Nexus. */
export const NEXUS_AWAY = "nexus_away";
/** Code of a call without a session. */
export const SIGNED_OUT = "signed_out";
/** Code of a call by a person whom no admin has made a member. */
export const NOT_MEMBER = "not_member";

/** Whatever went wrong with a call, in words for people. `status` is 0 when there was no answer. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;

  constructor(status: number, code: string, message: string, requestId: string | null = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.requestId = requestId;
  }

  /** Whether nobody could be asked: it says nothing about what was asked. */
  get isAway(): boolean {
    return this.code === UNREACHABLE || this.code === NEXUS_AWAY || this.status === 503;
  }

  /** Whether the same call may go well in a moment. */
  get isTemporary(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 502;
  }
}

/** The error of an answer that is not a 2xx: RFC 9457 when it is one, else what its status says. */
export async function problemOf(response: Response): Promise<ApiError> {
  const requestId = response.headers.get("x-request-id");
  const parsed = v.safeParse(problemBody, await jsonOf(response));
  if (!parsed.success) {
    const words = `The answer was ${response.status} ${response.statusText}`.trim();
    return new ApiError(response.status, "unexpected", `${words}, without a reason.`, requestId);
  }
  const { code, detail, title, request_id } = parsed.output;
  return new ApiError(response.status, code, detail ?? title, request_id ?? requestId);
}

/** Any thrown value as an ApiError: a failed `fetch` is one without an answer. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof TypeError) {
    return new ApiError(0, UNREACHABLE, "There was no answer. Check your connection.");
  }
  const words = error instanceof Error ? error.message : "Something went wrong in this page.";
  return new ApiError(0, "unexpected", words);
}

async function jsonOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return null;
  }
}
