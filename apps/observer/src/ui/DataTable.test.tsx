import { MantineProvider } from "@mantine/core";
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { expect, test, vi } from "vitest";
import { DataTable, type DataTableProps } from "./DataTable";

interface Row {
  id: string;
  name: string;
}

const ROWS: Row[] = ["Ada", "Ben", "Cleo"].map((name) => ({ id: name.toLowerCase(), name }));

function Table(props: Partial<DataTableProps<Row>>) {
  return (
    <MantineProvider env="test">
      <DataTable
        label="People"
        columns={[
          { key: "name", header: "Name", render: ({ name }) => name },
          { key: "id", header: "Id", render: ({ id }) => id, align: "right" },
        ]}
        rows={ROWS}
        rowKey={({ id }) => id}
        {...props}
      />
    </MantineProvider>
  );
}

function Selectable() {
  const [keys, onChange] = useState<ReadonlySet<string>>(new Set());
  return (
    <>
      <Table selection={{ keys, onChange }} onOpen={vi.fn()} />
      <output>{[...keys].join(" ")}</output>
    </>
  );
}

test("it lists rows under their headers", () => {
  render(<Table />);
  const table = screen.getByRole("table", { name: "People" });
  expect(within(table).getAllByRole("columnheader")).toHaveLength(2);
  expect(within(table).getAllByRole("row")).toHaveLength(4);
});

test("j and k go through the rows, and Enter opens one", async () => {
  const onOpen = vi.fn();
  render(<Table onOpen={onOpen} />);
  await userEvent.keyboard("j");
  await vi.waitFor(() => {
    expect(screen.getByRole("button", { name: "Ada" })).toHaveFocus();
  });
  await userEvent.keyboard("j");
  await vi.waitFor(() => {
    expect(screen.getByRole("button", { name: "Ben" })).toHaveFocus();
  });
  await userEvent.keyboard("{Enter}");
  expect(onOpen).toHaveBeenCalledExactlyOnceWith(ROWS[1]);
});

test("the open row is marked", () => {
  render(<Table onOpen={vi.fn()} openKey="ben" />);
  expect(screen.getByRole("button", { name: "Ben" })).toHaveAttribute("aria-current", "true");
  expect(screen.getByRole("button", { name: "Ada" })).not.toHaveAttribute("aria-current");
});

test("rows are selected one by one, by key, and all at once", async () => {
  render(<Selectable />);
  const [all, ada] = screen.getAllByRole("checkbox");
  if (all === undefined || ada === undefined) throw new Error("There are no checkboxes.");
  await userEvent.click(ada);
  expect(screen.getByRole("status")).toHaveTextContent(/^ada$/);
  screen.getByRole("button", { name: "Cleo" }).focus();
  await userEvent.keyboard("x");
  expect(screen.getByRole("status")).toHaveTextContent(/^ada cleo$/);
  await userEvent.click(all);
  expect(screen.getByRole("status")).toHaveTextContent(/^ada ben cleo$/);
  await userEvent.click(all);
  expect(screen.getByRole("status")).toBeEmptyDOMElement();
});

test("without rows it says what the page says, and before the first answer nothing", () => {
  const { rerender } = render(<Table rows={[]} empty="Nobody yet" />);
  expect(screen.getByText("Nobody yet")).toBeVisible();
  rerender(<Table rows={undefined} empty="Nobody yet" />);
  expect(screen.queryByText("Nobody yet")).toBeNull();
});
