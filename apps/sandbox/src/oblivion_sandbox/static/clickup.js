// The left half: a list, its tasks, and one task opened.
import { clickup } from "./api.js";
import { clock, composer, initials, make, toast } from "./dom.js";

const view = { list: "901100200300", task: null, creating: false };

export function openTask(id) {
  Object.assign(view, { task: id, creating: false });
}

export function newTask() {
  Object.assign(view, { task: null, creating: true });
}

let form = null;

function taskForm(redraw) {
  if (form) return form;
  const name = make("input", {
    "aria-label": "Name",
    value: "@AI_Squad fix_bug CSV export drops the last row",
  });
  const about = make("textarea", { "aria-label": "Description", rows: "5" });
  about.value =
    "Exporting **invoices** leaves out the last row.\n\nSteps: open Invoices, choose `Export CSV`, compare the totals.";
  const tags = make("input", { "aria-label": "Tags", placeholder: "Tags, separated by commas" });
  const create = async () => {
    const wanted = tags.value
      .split(",")
      .map((tag) => tag.trim())
      .filter(Boolean);
    const body = { name: name.value, markdown_description: about.value, tags: wanted };
    if (await clickup("POST", `/list/${view.list}/task`, body)) close();
  };
  const close = () => {
    form = null;
    view.creating = false;
    redraw();
  };
  form = make(
    "div",
    { class: "panel stack" },
    make("h2", {}, "New task"),
    name,
    about,
    tags,
    make(
      "div",
      { class: "row" },
      make("button", { class: "primary", onclick: create }, "Create task"),
      make("button", { class: "plain", onclick: close }, "Cancel"),
    ),
  );
  return form;
}

function dot(status) {
  const element = make("span", { class: "dot" });
  element.style.borderColor = status.color;
  if (status.type !== "open") element.style.background = status.color;
  return element;
}

function drawRow(task, redraw) {
  const open = () => {
    openTask(task.id);
    redraw();
  };
  return make(
    "button",
    { class: "task", onclick: open },
    dot(task.status),
    make("span", { class: "name" }, task.name),
    ...task.tags.map((tag) => make("span", { class: "tag" }, tag.name)),
    make("span", { class: "status" }, task.status.status),
  );
}

function drawComment(comment) {
  return make(
    "div",
    { class: "comment" },
    make("div", { class: "avatar small" }, initials(comment.user.username)),
    make(
      "div",
      {},
      make(
        "div",
        { class: "row" },
        make("strong", {}, comment.user.username),
        make("span", { class: "quiet" }, clock(Number(comment.date))),
      ),
      make("div", { class: "text" }, comment.comment_text),
    ),
  );
}

function drawTask(task, state, redraw) {
  const back = () => {
    view.task = null;
    redraw();
  };
  const remove = async () => {
    if (await clickup("DELETE", `/task/${task.id}`)) {
      view.task = null;
      toast("Task deleted");
      redraw();
    }
  };
  const tag = async () => {
    const name = window.prompt("Add a tag", "ai_squad");
    if (name) await clickup("POST", `/task/${task.id}/tag/${encodeURIComponent(name)}`);
  };
  const rename = () => {
    const name = window.prompt("Rename the task", task.name);
    if (name) clickup("PUT", `/task/${task.id}`, { name });
  };
  const describe = () => {
    const text = window.prompt("Change the description", task.markdown_description ?? task.description);
    if (text !== null) clickup("PUT", `/task/${task.id}`, { markdown_content: text || " " });
  };
  const status = make(
    "select",
    { "aria-label": "Status", onchange: () => clickup("PUT", `/task/${task.id}`, { status: status.value }) },
    ...state.statuses.map((each) =>
      make("option", { value: each.status, selected: each.status === task.status.status }, each.status),
    ),
  );
  const comments = state.comments
    .filter((each) => each.task_id === task.id)
    .sort((a, b) => Number(a.date) - Number(b.date));
  const send = (text) =>
    clickup("POST", `/task/${task.id}/comment`, { comment_text: text, notify_all: false });
  return make(
    "div",
    { class: "panel stack" },
    make(
      "div",
      { class: "row" },
      make("button", { class: "plain", onclick: back }, "← All tasks"),
      make("span", { class: "spacer" }),
      make("span", { class: "quiet" }, task.id),
      make("button", { class: "plain danger", onclick: remove }, "Delete"),
    ),
    make("h2", {}, task.name),
    make(
      "div",
      { class: "row" },
      dot(task.status),
      status,
      ...task.tags.map((each) => make("span", { class: "tag" }, each.name)),
      make("button", { class: "plain", onclick: tag }, "Add tag"),
      make("button", { class: "plain", onclick: rename }, "Rename"),
    ),
    make(
      "div",
      { class: "row" },
      make("h3", {}, "Description"),
      make("button", { class: "plain", onclick: describe }, "Edit"),
    ),
    make("div", { class: "description" }, task.markdown_description || task.description || "No description"),
    make("h3", {}, `Comments (${comments.length})`),
    ...comments.map(drawComment),
    composer(`comment ${task.id}`, "Write a comment", "Comment", send),
  );
}

export function drawClickUp(state, redraw) {
  const choose = (id) => () => {
    Object.assign(view, { list: id, task: null, creating: false });
    redraw();
  };
  document
    .getElementById("lists")
    .replaceChildren(
      ...state.lists.map((list) =>
        make(
          "button",
          { "aria-current": String(list.id === view.list), onclick: choose(list.id) },
          list.name,
        ),
      ),
    );
  const box = document.getElementById("tasks");
  const task = state.tasks.find((each) => each.id === view.task);
  if (view.creating) return box.replaceChildren(taskForm(redraw));
  if (task) return box.replaceChildren(drawTask(task, state, redraw));
  const tasks = state.tasks
    .filter((each) => each.list.id === view.list)
    .sort((a, b) => Number(b.date_created) - Number(a.date_created));
  const hint = "No tasks in this list. Create one that mentions @AI_Squad.";
  box.replaceChildren(
    ...(tasks.length ? tasks.map((each) => drawRow(each, redraw)) : [make("p", { class: "empty" }, hint)]),
  );
}
