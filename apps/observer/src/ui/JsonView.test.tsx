import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { JsonView } from "./JsonView";

test("what is shown is the very JSON, whatever is in its strings", () => {
  const value = { 'a "quoted" key': "x: 1, true", n: -1.5e3, list: [null, false], html: "<b>" };
  render(
    <MantineProvider env="test">
      <JsonView value={value} what="payload" />
    </MantineProvider>,
  );
  const shown = screen.getByLabelText("payload");
  expect(JSON.parse(shown.textContent)).toEqual(value);
});
