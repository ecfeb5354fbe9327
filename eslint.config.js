import oblivion from "@oblivion/eslint-config";

export default [
  {
    name: "oblivion/root-ignored",
    ignores: [
      "packages/protocol/ts/", // generated
      "apps/observer/", // has a config of its own, run by its `lint` script
    ],
  },
  ...oblivion,
];
