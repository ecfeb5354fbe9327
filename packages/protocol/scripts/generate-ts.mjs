// Writes ts/index.ts from schema.json. `--check` writes nothing and fails when the file is out of date.
import { realpathSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { compile } from "json-schema-to-typescript";

/**
 * @typedef {{[keyword: string]: any}} Schema
 * @typedef {Schema & {$defs: Record<string, Schema>}} ProtocolSchema
 */

const PACKAGE = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const SCHEMA = path.join(PACKAGE, "schema.json");
const TARGET = path.join(PACKAGE, "ts", "index.ts");

const HEADER = "// Generated from schema.json by scripts/generate-ts.mjs: do not edit.\n";

/** Our own keywords, wire name → model, and the type each becomes. */
export const MAPS = { "x-events": "EventMap", "x-commands": "CommandMap", "x-frames": "FrameMap" };

/** Keywords whose value is a map from a name to a schema: the names must not be taken for keywords. */
const NAMED = new Set(["properties", "patternProperties", "dependentSchemas"]);
/** Keywords whose value is data, not a schema. */
const DATA = new Set(["const", "default", "enum", "examples", "discriminator", "required"]);

/**
 * Turns what Pydantic writes into what the compiler understands, one subschema at a time.
 * @param {any} schema
 * @returns {any}
 */
function normalize(schema) {
  if (Array.isArray(schema)) return schema.map(normalize);
  if (schema === null || typeof schema !== "object") return schema;

  /** @type {Schema} */
  const out = {};
  for (const [keyword, value] of Object.entries(schema)) {
    // Pydantic titles every field; a title would become a type of its own.
    if (keyword === "title") continue;
    if (NAMED.has(keyword)) {
      out[keyword] = Object.fromEntries(Object.entries(value).map(([name, sub]) => [name, normalize(sub)]));
    } else {
      out[keyword] = DATA.has(keyword) ? value : normalize(value);
    }
  }

  if (Object.keys(out).every((keyword) => keyword === "description")) return { ...out, tsType: "unknown" };

  if (out.prefixItems) {
    // A 2020-12 tuple, in the older spelling.
    const { prefixItems, items = false, ...rest } = out;
    return { ...rest, items: prefixItems, additionalItems: items };
  }
  // The compiler would spell a bounded list out as a union of tuples.
  delete out.minItems;
  delete out.maxItems;

  if (out.$ref && Object.keys(out).length > 1) {
    // Keywords beside a $ref make the compiler copy the type under a new name.
    const { $ref, description } = out;
    return description === undefined ? { $ref } : { description, allOf: [{ $ref }] };
  }
  return out;
}

/**
 * The type that gives each wire name listed under `keyword` its message.
 * @param {ProtocolSchema} schema
 * @param {string} keyword
 * @param {string} title
 */
function nameMap(schema, keyword, title) {
  const entries = Object.entries(schema[keyword] ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, model] of entries) {
    if (!schema.$defs[model]) throw new Error(`${keyword}: ${name} names ${model}, which is not in $defs`);
  }
  return {
    title,
    description: `The message of each wire name in \`${keyword}\`.`,
    type: "object",
    additionalProperties: false,
    required: entries.map(([name]) => name),
    properties: Object.fromEntries(entries.map(([name, model]) => [name, { $ref: `#/$defs/${model}` }])),
  };
}

/**
 * The TypeScript of a protocol schema: one exported type for each entry of `$defs`, and the maps from
 * wire names to messages. The same schema always gives the same text.
 * @param {ProtocolSchema} schema
 * @returns {Promise<string>}
 */
export async function render(schema) {
  const models = Object.keys(schema.$defs ?? {}).sort();
  if (models.length === 0) throw new Error("the schema has no $defs: there is nothing to generate");

  const { EventMap, ...otherMaps } = Object.fromEntries(
    Object.entries(MAPS).map(([keyword, title]) => [title, nameMap(schema, keyword, title)]),
  );
  const root = {
    ...EventMap,
    $defs: {
      ...otherMaps,
      ...Object.fromEntries(models.map((name) => [name, { title: name, ...normalize(schema.$defs[name]) }])),
    },
  };
  const body = await compile(/** @type {any} */ (root), "EventMap", {
    additionalProperties: false, // unknown fields are allowed on the wire but are nobody's to read
    bannerComment: "",
    unreachableDefinitions: true,
    style: { printWidth: 110 },
  });
  const text = HEADER + "\n" + withoutBackReferences(body).trim() + "\n";

  const exported = new Set(
    Array.from(text.matchAll(/^export (?:interface|type) (\w+)/gm), ([, name]) => name),
  );
  const wanted = new Set([...models, ...Object.values(MAPS)]);
  const missing = [...wanted].filter((name) => !exported.has(name));
  const extra = [...exported].filter((name) => name !== undefined && !wanted.has(name));
  if (missing.length > 0 || extra.length > 0) {
    throw new Error(
      `types and $defs differ: missing [${missing.join(", ")}], unexpected [${extra.join(", ")}]`,
    );
  }
  return text;
}

/**
 * Drops the compiler's remarks about where it met a definition.
 * @param {string} text
 */
function withoutBackReferences(text) {
  return text
    .replace(/(?: \*\n)? \* This interface was referenced by .*\n(?: \* via the .*\n)?/g, "")
    .replace(/\/\*\*\n \*\/\n/g, "");
}

/** @param {string} file */
async function readOrNothing(file) {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT") return undefined;
    throw error;
  }
}

/** @param {boolean} check */
async function main(check) {
  const source = await readOrNothing(SCHEMA);
  if (source === undefined)
    throw new Error("schema.json is missing: write it from the Pydantic models first");
  const text = await render(JSON.parse(source));
  if ((await readOrNothing(TARGET)) === text) return;
  if (check) throw new Error("ts/index.ts is out of date: run `npm run generate -w packages/protocol`");
  await mkdir(path.dirname(TARGET), { recursive: true });
  await writeFile(TARGET, text);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    await main(process.argv.includes("--check"));
  } catch (error) {
    console.error(`generate-ts: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
