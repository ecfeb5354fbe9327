import type { Route } from "next";

const HOME: Route = "/overview";

/** A path of this site to go to after sign-in; anything else, such as another site's address, becomes the overview. */
export function returnPath(wanted: string | string[] | undefined | null): Route {
  if (typeof wanted !== "string" || !/^\/(?![/\\])/.test(wanted)) return HOME;
  const base = "http://observer.invalid";
  const url = URL.canParse(wanted, base) ? new URL(wanted, base) : null;
  if (url === null || url.origin !== base || url.pathname === "/login") return HOME;
  return `${url.pathname}${url.search}${url.hash}` as Route;
}

/** The sign-in page that leads back to a path. */
export function signInPath(from: string): Route {
  return `/login?from=${encodeURIComponent(from)}` as Route;
}
