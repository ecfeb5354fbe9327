import oblivion from "@oblivion/eslint-config";

export default [
  {
    name: "oblivion/root-ignored",
    ignores: [
      "packages/protocol/ts/", // generated
      "apps/observer/", // has a config of its own, run by its `lint` script
      "bench/peer/", // its packages are installed for benchmarks only; `tsc` checks it
    ],
  },
  ...oblivion,
];
