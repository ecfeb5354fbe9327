import { expect, test } from "vitest";

import { render } from "../scripts/generate-ts.mjs";

/** Schemas as Pydantic writes them. */
const text = { title: "Text", type: "string" };

test("each definition becomes one exported type, reached by an event or not", async () => {
  const source = await render({
    $defs: {
      TaskAssigned: {
        title: "TaskAssigned",
        description: "A task is yours.",
        type: "object",
        properties: { title: { ...text, description: "One line." }, lane: { $ref: "#/$defs/Lane" } },
        required: ["title"],
      },
      Lane: { enum: ["fast", "slow"], title: "Lane", type: "string" },
      Alone: { title: "Alone", type: "object", properties: {} },
    },
    "x-events": { "task.assigned": "TaskAssigned" },
  });

  expect(source.match(/^export \w+ \w+/gm)?.sort()).toEqual([
    "export interface Alone",
    "export interface CommandMap",
    "export interface EventMap",
    "export interface FrameMap",
    "export interface TaskAssigned",
    "export type Lane",
  ]);
  expect(source).toContain('"task.assigned": TaskAssigned;');
  expect(source).toContain("* A task is yours.");
  expect(source).toContain("* One line.");
  expect(source).toContain('export type Lane = "fast" | "slow";');
  expect(source).not.toContain("was referenced by");
});

test("a described reference keeps the name of its type", async () => {
  const source = await render({
    $defs: {
      Lane: { enum: ["fast"], title: "Lane", type: "string" },
      Task: {
        title: "Task",
        type: "object",
        properties: { lane: { $ref: "#/$defs/Lane", description: "How soon.", default: "fast" } },
        required: ["lane"],
      },
    },
  });

  expect(source).toContain("* How soon.");
  expect(source).toContain("lane: Lane;");
});

test("tuples, bounded lists, nullable fields and fields named like keywords are spelt plainly", async () => {
  const source = await render({
    $defs: {
      Page: {
        title: "Page",
        type: "object",
        properties: {
          title: text,
          items: { title: "Items", type: "array", maxItems: 9, minItems: 1, items: { $ref: "#/$defs/Page" } },
          span: {
            title: "Span",
            type: "array",
            prefixItems: [{ type: "integer" }, { type: "string" }],
            minItems: 2,
            maxItems: 2,
          },
          next: { title: "Next", anyOf: [{ type: "string" }, { type: "null" }], default: null },
          data: { title: "Data", type: "object", additionalProperties: true },
        },
        required: ["title", "items", "span", "next", "data"],
      },
    },
  });

  expect(source).toContain("title: string;");
  expect(source).toContain("items: Page[];");
  expect(source).toContain("span: [number, string];");
  expect(source).toContain("next: string | null;");
  expect(source).toMatch(/data: \{\n\s+\[k: string\]: unknown;\n\s+\};/);
});

test("a model of any JSON is unknown, to be parsed by its reader", async () => {
  const source = await render({ $defs: { JsonValue: {}, Bag: { properties: { any: { title: "Any" } } } } });

  expect(source).toContain("export type JsonValue = unknown;");
  expect(source).toContain("any?: unknown;");
});

test("the same models in another order give the same text", async () => {
  const a = { title: "A", type: "object", properties: { b: { $ref: "#/$defs/B" } } };
  const b = { title: "B", type: "string", enum: ["x"] };

  expect(await render({ $defs: { A: a, B: b } })).toBe(await render({ $defs: { B: b, A: a } }));
});

test("an event whose model is not defined is refused", async () => {
  await expect(render({ $defs: { A: { type: "string" } }, "x-events": { "a.b": "Absent" } })).rejects.toThrow(
    "a.b names Absent",
  );
});
