const SESSION_COOKIE = /^[^=;]*session-token(\.\d+)?=/;

/**
 * Lets only the loading of a whole page prolong a session. Auth.js does so with every answer, and one that is on its
 * way while a person signs out (Next fetches what links lead to ahead of time) would sign them in again.
 */
export function keptAsItIs(asked: Headers, answer: Response): Response {
  if (asked.get("sec-fetch-dest") === "document") return answer;
  const cookies = answer.headers.getSetCookie();
  const kept = cookies.filter((cookie) => !SESSION_COOKIE.test(cookie));
  if (kept.length === cookies.length) return answer;
  answer.headers.delete("set-cookie");
  for (const cookie of kept) answer.headers.append("set-cookie", cookie);
  return answer;
}
