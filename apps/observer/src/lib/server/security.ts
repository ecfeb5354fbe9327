import "server-only";

import { SettingsError, nexusPublicUrl } from "./settings";

/**
 * Scripts run with the nonce of their page only. Styles may be inline: Mantine and the charts set them on elements,
 * and a style cannot call out, as fonts and images come from here alone.
 */
export function contentSecurityPolicy(nonce: string, sockets: string[], isDevelopment: boolean): string {
  const connect = isDevelopment ? ["'self'", "ws:", ...sockets] : ["'self'", ...sockets];
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}' 'strict-dynamic'${isDevelopment ? " 'unsafe-eval'" : ""}`,
    "style-src 'self' 'unsafe-inline'",
    "font-src 'self'",
    "img-src 'self' data: https://avatars.githubusercontent.com",
    `connect-src ${connect.join(" ")}`,
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/**
 * What keeps a browser on HTTPS for a year, RFC 6797, once it came that way; null while it did not: a dashboard on
 * one's own machine has no certificate. Browsers ignore it over plain HTTP, so a forged header gains nothing.
 */
export function strictTransport(protocol: string, forwarded: string | null): string | null {
  const reached = forwarded?.split(",")[0]?.trim() ?? protocol.replace(":", "");
  return reached === "https" ? "max-age=31536000" : null;
}

/** Where the live events come from: Nexus over WebSocket. None while that is not set: pages then say so themselves. */
export function socketOrigins(): string[] {
  try {
    const { protocol, host } = new URL(nexusPublicUrl());
    return [`${protocol === "https:" ? "wss" : "ws"}://${host}`];
  } catch (error) {
    if (error instanceof SettingsError) return [];
    throw error;
  }
}
