import next from "@oblivion/eslint-config/next";

const generated = {
  name: "observer/generated",
  ignores: ["src/lib/api/schema.gen.ts", ".next-local/", "playwright-report/", "test-results/"],
};

const config = [generated, ...next];

export default config;
