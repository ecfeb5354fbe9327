import next from "@oblivion/eslint-config/next";

const generated = {
  name: "observer/generated",
  ignores: ["src/lib/api/schema.gen.ts", ".next-local/", "playwright-report/", "test-results/"],
};

export default [generated, ...next];
