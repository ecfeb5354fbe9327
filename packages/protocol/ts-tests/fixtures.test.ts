import { readdirSync, readFileSync } from "node:fs";

import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { describe, expect, test } from "vitest";

import { MAPS, render } from "../scripts/generate-ts.mjs";

interface ProtocolSchema {
  $defs: Record<string, object>;
  [keyword: string]: unknown;
}

interface Fixture {
  model: string;
  message: unknown;
}

const at = (name: string) => new URL(`../${name}`, import.meta.url);
const read = (name: string): unknown => JSON.parse(readFileSync(at(name), "utf8"));

const schema = read("schema.json") as ProtocolSchema;
const files = readdirSync(at("fixtures/"))
  .filter((name) => name.endsWith(".json"))
  .sort();
const named = Object.keys(MAPS).flatMap((keyword) =>
  Object.entries((schema[keyword] ?? {}) as Record<string, string>).map(
    (entry) => [keyword, ...entry] as const,
  ),
);
const fixtures = files.map((file) => [file, read(`fixtures/${file}`) as Fixture] as const);

// Pydantic adds keywords of its own (discriminator), and x-events and its like are ours.
const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);
ajv.addSchema(schema, "protocol");

function problems({ model, message }: Fixture): string[] {
  const validate = ajv.getSchema(`protocol#/$defs/${model}`);
  if (!validate) return [`schema.json has no model ${model}`];
  return validate(message)
    ? []
    : (validate.errors ?? []).map((error) => `${error.instancePath} ${String(error.message)}`);
}

describe("golden messages", () => {
  test.each(fixtures)("%s fits the schema", (_file, fixture) => {
    expect(problems(fixture)).toEqual([]);
  });

  test.each(named)("%s: there is one for %s, a %s", (_keyword, _name, model) => {
    expect(Object.keys(schema.$defs)).toContain(model);
    expect(fixtures.map(([, fixture]) => fixture.model)).toContain(model);
  });

  test("an emptied folder or a schema without events is noticed", () => {
    expect(files).not.toEqual([]);
    expect(named).not.toEqual([]);
  });
});

test("ts/index.ts is what the generator writes from schema.json", async () => {
  expect(readFileSync(at("ts/index.ts"), "utf8")).toBe(await render(schema));
});
