import base from "./index.js";

/** @returns {Promise<import("eslint").Linter.Config[]>} */
async function nextRules() {
  try {
    return (await import("eslint-config-next/core-web-vitals")).default;
  } catch (error) {
    if (error?.code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Error("@oblivion/eslint-config/next needs eslint-config-next: add it to the app", {
      cause: error,
    });
  }
}

const next = {
  name: "oblivion/next",
  ignores: ["next-env.d.ts"],
};

const app = {
  name: "oblivion/next-app",
  rules: {
    "@next/next/no-html-link-for-pages": "off", // App Router: there is no pages directory to look in
  },
};

const handlers = {
  name: "oblivion/next-handlers",
  files: ["**/*.tsx"],
  rules: {
    // An async event handler is how React code is written; its errors are the mutation's to show.
    "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
  },
};

export default [...(await nextRules()), ...base, next, app, handlers];
