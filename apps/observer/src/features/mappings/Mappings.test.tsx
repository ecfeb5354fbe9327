import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { notifications } from "@mantine/notifications";
import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Model } from "@/lib/api/client";
import { signedInAs } from "../../../tests/support/people";
import { ORIGIN, renderPage } from "../../../tests/support/render";
import type { Mapping } from "./boardModel";
import { Mappings } from "./Mappings";
import { mapping, testChannel, testList } from "./testing";

const API = `${ORIGIN}/api/nexus/v1`;
const SYNCED_AT = "2026-03-12T14:00:00Z";

/** What Nexus holds, and what was asked of it. */
let links: Mapping[] = [];
let channels: Model<"ChatChannel">[] = [];
let asked: string[] = [];

const server = setupServer(
  signedInAs("operator"),
  http.get(`${API}/tasks`, () => HttpResponse.json({ items: [], next_cursor: null })),
  http.get(`${API}/overview`, () => HttpResponse.json({}, { status: 404 })),
  http.get(`${API}/clickup/lists`, () =>
    HttpResponse.json({
      items: [
        testList("L1", "Backend", "Eng"),
        testList("L2", "Website", "Eng"),
        testList("L3", "Ops", "Eng"),
      ],
      next_cursor: null,
      synced_at: SYNCED_AT,
    }),
  ),
  http.get(`${API}/slack/channels`, () =>
    HttpResponse.json({ items: channels, next_cursor: null, synced_at: SYNCED_AT }),
  ),
  http.get(`${API}/mappings`, () => HttpResponse.json({ items: links, next_cursor: null })),
  http.post(`${API}/mappings`, async ({ request }) => {
    const body = (await request.json()) as { list_id: string; channel_id: string };
    asked.push(`link ${body.list_id} ${body.channel_id}`);
    const made = mapping(body.list_id, body.channel_id, nameOf(body.channel_id));
    links = [...links, made];
    return HttpResponse.json(made, { status: 201 });
  }),
  http.patch(`${API}/mappings/:id`, async ({ params, request }) => {
    const body = (await request.json()) as Partial<Mapping>;
    asked.push(`change ${String(params.id)} ${JSON.stringify(body)}`);
    const before = links.find(({ id }) => id === params.id);
    if (before === undefined) return HttpResponse.json({}, { status: 404 });
    const after = { ...before, ...body, channel_name: nameOf(body.channel_id ?? before.channel_id) };
    links = links.map((link) => (link === before ? after : link));
    return HttpResponse.json(after);
  }),
  http.delete(`${API}/mappings/:id`, ({ params }) => {
    asked.push(`unlink ${String(params.id)}`);
    links = links.filter(({ id }) => id !== params.id);
    return new HttpResponse(null, { status: 204 });
  }),
);

beforeAll(() => {
  server.listen({ onUnhandledRequest: "error" });
  // Columns draw what fits: jsdom has no heights.
  vi.spyOn(Element.prototype, "clientHeight", "get").mockReturnValue(600);
  Object.defineProperty(document, "fonts", { value: { ready: Promise.resolve() }, configurable: true });
});
beforeEach(() => {
  links = [];
  asked = [];
  channels = [testChannel("C1", "backend"), testChannel("C2", "website"), testChannel("C3", "random")];
});
afterEach(() => {
  server.resetHandlers();
  notifications.clean();
});
afterAll(() => {
  server.close();
});

function nameOf(id: string): string {
  return channels.find((channel) => channel.id === id)?.name ?? id;
}

async function row(column: "ClickUp lists" | "Slack channels", name: RegExp): Promise<HTMLElement> {
  const group = await screen.findByRole("group", { name: column });
  return within(group).findByRole("button", { name });
}

/** The button of the bar, once it is known that this person may use it. */
async function ready(name: string): Promise<HTMLElement> {
  const button = await screen.findByRole("button", { name });
  await waitFor(() => {
    expect(button).not.toHaveAttribute("aria-disabled");
  });
  return button;
}

test("choosing a list proposes the channel of its name; L links it and goes on to the next list", async () => {
  renderPage(<Mappings />);
  await userEvent.click(await row("ClickUp lists", /Backend/));
  await ready("Link");
  await userEvent.keyboard("l");
  expect(await row("ClickUp lists", /^Backend.*#backend$/)).toBeInTheDocument();
  await userEvent.keyboard("l");
  await waitFor(() => {
    expect(asked).toEqual(["link L1 C1", "link L2 C2"]);
  });
  expect(await row("ClickUp lists", /Ops/)).toHaveAttribute("aria-pressed", "true");
  expect(screen.getByText("Choose a channel")).toBeInTheDocument();
  await waitFor(() => {
    expect(screen.getByRole("status", { name: "" })).toHaveTextContent("Website is linked to #website.");
  });
});

test("a link can be taken back from its toast", async () => {
  renderPage(<Mappings />);
  await userEvent.click(await row("ClickUp lists", /Backend/));
  await userEvent.click(await ready("Link"));
  await userEvent.click(await screen.findByRole("button", { name: "Undo" }));
  await waitFor(() => {
    expect(asked).toEqual(["link L1 C1", "unlink M-L1"]);
  });
  expect(await row("ClickUp lists", /Backend.*suggested ?#backend/)).toBeInTheDocument();
});

test("changes are taken back with Z one after another, the latest first", async () => {
  renderPage(<Mappings />);
  await userEvent.click(await row("ClickUp lists", /Backend/));
  await ready("Link");
  await userEvent.keyboard("l");
  await waitFor(() => {
    expect(asked).toHaveLength(1);
  });
  await userEvent.keyboard("l");
  await screen.findByText("Website is linked to #website.", { selector: "[class*=Text]" });
  await userEvent.keyboard("z");
  await waitFor(() => {
    expect(asked.at(-1)).toBe("unlink M-L2");
  });
  await userEvent.keyboard("z");
  await waitFor(() => {
    expect(asked.at(-1)).toBe("unlink M-L1");
  });
});

test("what Nexus refuses is taken back, with its reason and a way to try again", async () => {
  const detail = "There is no channel 'C1' that we can see.";
  server.use(
    http.post(`${API}/mappings`, () =>
      HttpResponse.json({ title: "Rejected", status: 422, code: "rejected", detail }, { status: 422 }),
    ),
  );
  renderPage(<Mappings />);
  await userEvent.click(await row("ClickUp lists", /Backend/));
  await userEvent.click(await ready("Link"));
  expect(await screen.findByText("Could not link Backend to #backend")).toBeInTheDocument();
  expect(screen.getAllByText(detail, { exact: false }).length).toBeGreaterThan(0);
  expect(screen.getByRole("button", { name: "Retry" })).toBeInTheDocument();
  expect(await row("ClickUp lists", /Backend.*suggested ?#backend/)).toBeInTheDocument();
});

test("a linked list moves to another channel, and is unlinked", async () => {
  links = [mapping("L1", "C1", "backend")];
  renderPage(<Mappings />, { search: "?list=L1" });
  await userEvent.click(await row("Slack channels", /random/));
  await userEvent.click(await ready("Move link"));
  expect(await row("ClickUp lists", /Backend.*#random/)).toBeInTheDocument();
  await userEvent.click(await ready("Unlink Backend"));
  await waitFor(() => {
    expect(asked).toEqual(['change M-L1 {"channel_id":"C3"}', "unlink M-L1"]);
  });
});

test("a viewer sees everything and changes nothing", async () => {
  server.use(signedInAs("viewer"));
  renderPage(<Mappings />, { search: "?list=L1" });
  expect(await row("Slack channels", /backend.*Suggested/)).toBeInTheDocument();
  const link = await screen.findByRole("button", { name: "Link" });
  await waitFor(() => {
    expect(link).toHaveAttribute("aria-disabled", "true");
  });
  await userEvent.hover(link);
  expect(await screen.findByText(/Your role is viewer/)).toBeInTheDocument();
  await userEvent.click(link);
  await userEvent.keyboard("l");
  expect(asked).toEqual([]);
});

test("a link whose channel is gone is counted, explained, and can be unlinked", async () => {
  links = [mapping("L1", "C9", "old-alerts")];
  renderPage(<Mappings />, { search: "?list=L1" });
  expect(await row("ClickUp lists", /Backend.*old-alerts.*channel is gone/)).toBeInTheDocument();
  expect(screen.getByRole("radio", { name: "Needs attention 1" })).toBeInTheDocument();
  expect(screen.getByText(/#old-alerts was archived or deleted/)).toBeInTheDocument();
  expect(await ready("Unlink Backend")).toBeInTheDocument();
});

test("into a private channel without Oblivion nothing is linked; it says how to invite it", async () => {
  channels = [testChannel("C4", "board", { is_member: false, is_private: true })];
  renderPage(<Mappings />, { search: "?list=L1" });
  await userEvent.click(await row("Slack channels", /board/));
  expect(screen.getByText(/#board is private, and Oblivion is not in it/)).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Link" })).toHaveAttribute("aria-disabled", "true");
  expect(screen.getAllByText("/invite @Oblivion").length).toBeGreaterThan(0);
});

test("the rule is changed in words", async () => {
  links = [mapping("L1", "C1", "backend")];
  renderPage(<Mappings />, { search: "?list=L1" });
  await userEvent.click(await screen.findByRole("button", { name: "Change" }));
  const dialog = await screen.findByRole("dialog", { name: "Which replies in #backend go to ClickUp?" });
  const keyword = within(dialog).getByLabelText("Keyword");
  await userEvent.clear(keyword);
  expect(within(dialog).getByText(/Write the word/)).toBeInTheDocument();
  await userEvent.click(within(dialog).getByRole("radio", { name: /Every reply/ }));
  await userEvent.click(within(dialog).getByRole("button", { name: "Save rule" }));
  await waitFor(() => {
    expect(asked).toEqual(['change M-L1 {"sync_rule":"all","sync_keyword":"!sync"}']);
  });
  expect(await screen.findByText(/^Every reply go/)).toBeInTheDocument();
});

test("suggestions are looked through and linked at once; one that fails says why", async () => {
  server.use(
    http.post(
      `${API}/mappings`,
      () =>
        HttpResponse.json(
          { title: "Exists", status: 409, code: "already_exists", detail: "Linked already." },
          { status: 409 },
        ),
      { once: true },
    ),
  );
  renderPage(<Mappings />);
  await userEvent.click(await screen.findByRole("button", { name: "Accept 2 suggestions" }));
  const dialog = await screen.findByRole("dialog", { name: "Suggestions by name" });
  await userEvent.click(within(dialog).getByRole("checkbox", { name: /Website/ }));
  expect(within(dialog).getByRole("button", { name: "Link 1 list" })).toBeInTheDocument();
  await userEvent.click(within(dialog).getByRole("checkbox", { name: /Website/ }));
  await userEvent.click(within(dialog).getByRole("button", { name: "Link 2 lists" }));
  expect(await within(dialog).findByText("1 linked, 1 failed")).toBeInTheDocument();
  expect(within(dialog).getByText("Linked already.")).toBeInTheDocument();
  expect(asked).toEqual(["link L2 C2"]);
});

test("without the links nothing is shown as unlinked", async () => {
  server.use(http.get(`${API}/mappings`, () => HttpResponse.json({}, { status: 500 })));
  renderPage(<Mappings />);
  expect(await screen.findByText("The links cannot be read")).toBeInTheDocument();
  expect(screen.queryByText("Not linked")).toBeNull();
});

test("while ClickUp cannot be read, what is linked is still there, under the reason", async () => {
  links = [mapping("L1", "C1", "backend")];
  const detail = "ClickUp does not answer.";
  server.use(
    http.get(`${API}/clickup/lists`, () =>
      HttpResponse.json({ title: "Bad", status: 422, code: "rejected", detail }, { status: 422 }),
    ),
  );
  renderPage(<Mappings />);
  expect(
    await screen.findByText(/ClickUp does not answer. Only what is linked is shown/),
  ).toBeInTheDocument();
  expect(await row("ClickUp lists", /List L1.*#backend/)).toBeInTheDocument();
});

test("what is not connected says how to connect it", async () => {
  server.use(
    http.get(`${API}/slack/channels`, () =>
      HttpResponse.json({ title: "No", status: 404, code: "not_found" }, { status: 404 }),
    ),
  );
  renderPage(<Mappings />);
  expect(await screen.findByRole("link", { name: "Connect Slack" })).toHaveAttribute(
    "href",
    "/settings/connections",
  );
});

test("filters and tabs come from the URL, and are cleared when they find nothing", async () => {
  renderPage(<Mappings />, { search: "?tab=unlinked&lists=nothing" });
  expect(await screen.findByText("No list matches")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Clear filters" }));
  expect(await row("ClickUp lists", /Backend/)).toBeInTheDocument();
});
