/** @type {import("prettier").Config} */
export default {
  printWidth: 110,
  trailingComma: "all",
  overrides: [{ files: "**/tsconfig/*.json", options: { parser: "jsonc", trailingComma: "none" } }],
};
