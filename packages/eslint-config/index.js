import js from "@eslint/js";
import globals from "globals";
import tseslint from "typescript-eslint";

/** Files nobody edits by hand, or that belong to a tool. */
export const ignored = {
  name: "oblivion/ignored",
  ignores: [
    "**/node_modules/",
    "**/.next/",
    "**/.next-local/",
    "**/coverage/",
    "**/dist/",
    "**/.venv/",
    "**/.oblivion/",
  ],
};

const everywhere = {
  name: "oblivion/everywhere",
  linterOptions: { reportUnusedDisableDirectives: "error" },
  rules: {
    eqeqeq: "error",
    "max-lines": ["error", 500],
    "no-var": "error",
    "object-shorthand": "error",
    "prefer-const": "error",
  },
};

const node = {
  name: "oblivion/node",
  files: ["**/*.{js,mjs,cjs}"],
  languageOptions: { globals: globals.node },
};

const browser = {
  name: "oblivion/browser",
  files: ["**/static/**/*.js"],
  languageOptions: { globals: globals.browser },
};

const typescript = {
  name: "oblivion/typescript",
  files: ["**/*.{ts,tsx,mts}"],
  extends: [tseslint.configs.strictTypeChecked],
  languageOptions: { parserOptions: { projectService: true } },
  rules: {
    "@typescript-eslint/consistent-type-imports": "error",
    "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
    "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
    "@typescript-eslint/switch-exhaustiveness-check": "error",
  },
};

export default tseslint.config(ignored, js.configs.recommended, everywhere, node, browser, typescript);
