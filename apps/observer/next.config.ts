import path from "node:path";
import type { NextConfig } from "next";

/** A build for one machine: it has the development sign-in, and is kept apart so that nothing can ship it. */
const isLocal = process.env.OBSERVER_LOCAL === "1";
const repository = path.join(import.meta.dirname, "../..");

/** On every answer; the policy of content needs a nonce and is set by `src/proxy.ts`. */
const HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "same-origin",
  "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
};

const config: NextConfig = {
  output: "standalone",
  outputFileTracingRoot: repository,
  turbopack: { root: repository },
  transpilePackages: ["@oblivion/protocol"],
  typedRoutes: true,
  poweredByHeader: false,
  images: { unoptimized: true }, // no page has pictures to scale, and infra/images/observer leaves the library out
  distDir: isLocal ? ".next-local" : ".next",
  // Inlined, so that a build without the development sign-in does not contain it.
  env: { OBSERVER_BUILD: isLocal ? "local" : "production" },
  typescript: {
    tsconfigPath: isLocal ? "tsconfig.local.json" : "tsconfig.json",
    ignoreBuildErrors: true, // they are what `npm run typecheck` is for; a build should not look twice
  },
  headers: () =>
    Promise.resolve([
      { source: "/:path*", headers: Object.entries(HEADERS).map(([key, value]) => ({ key, value })) },
    ]),
  experimental: {
    optimizePackageImports: ["@mantine/core", "@mantine/hooks", "@tabler/icons-react"],
  },
};

export default config;
