/**
 * Writes Nexus's OpenAPI document and the TypeScript types made from it. `--check` writes nothing and fails when
 * either is stale.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const OBLIVION = fileURLToPath(new URL("../../../.venv/bin/oblivion", import.meta.url));
const DOCUMENT = fileURLToPath(new URL("../openapi.json", import.meta.url));
const TYPES = fileURLToPath(new URL("../src/lib/api/schema.gen.ts", import.meta.url));
const NOTE = "// Generated from openapi.json by scripts/gen-api.mjs: do not edit.\n\n";

const described = execFileSync(OBLIVION, ["openapi"], { encoding: "utf8" });
const types = NOTE + astToString(await openapiTS(described));

const stale = [
  [DOCUMENT, described],
  [TYPES, types],
].filter(([path, text]) => readOrEmpty(path) !== text);

if (!process.argv.includes("--check")) {
  for (const [path, text] of stale) writeFileSync(path, text);
} else if (stale.length > 0) {
  console.error(`Stale: ${stale.map(([path]) => path).join(", ")}. Run: npm run gen:api -w apps/observer`);
  process.exitCode = 1;
}

/** @param {string} path */
function readOrEmpty(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
