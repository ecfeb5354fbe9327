// Block Kit to elements.
import { press } from "./api.js";
import { make } from "./dom.js";
import { emoji, link, mrkdwn } from "./mrkdwn.js";

function text(value, users) {
  if (value.type === "mrkdwn") return mrkdwn(value.text, users);
  return make(
    "div",
    {},
    value.text.replace(/:([a-z0-9_+-]+):/g, (_, name) => emoji(name)),
  );
}

function element(value, where, users) {
  if (value.type !== "button") return make("span", { class: "quiet" }, `[${value.type}]`);
  const kind = value.style === "primary" ? "primary" : value.style === "danger" ? "danger" : null;
  const button = make("button", { class: kind }, text(value.text, users).textContent);
  button.addEventListener("click", async () => {
    if (value.confirm && !window.confirm(`${value.confirm.title.text}\n\n${value.confirm.text.text}`)) return;
    if (value.url && /^https?:\/\//i.test(value.url)) window.open(value.url, "_blank", "noopener");
    button.disabled = true;
    await press(where.channel, where.ts, value.action_id, value.value);
    button.disabled = false;
  });
  return button;
}

function rich(part, users) {
  switch (part.type) {
    case "text": {
      const style = part.style ?? {};
      let node = document.createTextNode(part.text);
      for (const [name, tag] of [
        ["code", "code"],
        ["bold", "strong"],
        ["italic", "em"],
        ["strike", "s"],
      ]) {
        if (style[name]) node = make(tag, {}, node);
      }
      return node;
    }
    case "link":
      return link(part.url, part.text || part.url);
    case "user": {
      const user = users[part.user_id];
      return make(
        "span",
        { class: "mention" },
        `@${user ? user.profile.display_name || user.real_name : part.user_id}`,
      );
    }
    case "emoji":
      return document.createTextNode(emoji(part.name));
    case "rich_text_list":
      return make(
        "ul",
        {},
        ...part.elements.map((item) => make("li", {}, ...item.elements.map((each) => rich(each, users)))),
      );
    case "rich_text_preformatted":
      return make("pre", {}, ...part.elements.map((each) => rich(each, users)));
    case "rich_text_quote":
      return make("blockquote", {}, ...part.elements.map((each) => rich(each, users)));
    case "rich_text_section":
      return make("span", {}, ...part.elements.map((each) => rich(each, users)));
    default:
      return document.createTextNode(`[${part.type}]`);
  }
}

function block(value, where, users) {
  switch (value.type) {
    case "header":
      return make("div", { class: "block-header" }, text(value.text, users).textContent);
    case "section": {
      const main = make("div", { class: "main" });
      if (value.text) main.append(text(value.text, users));
      if (value.fields)
        main.append(make("div", { class: "fields" }, ...value.fields.map((field) => text(field, users))));
      return make(
        "div",
        { class: "block-section" },
        main,
        value.accessory ? element(value.accessory, where, users) : null,
      );
    }
    case "context":
      return make(
        "div",
        { class: "block-context" },
        ...value.elements.map((each) =>
          each.type === "image" ? make("span", {}, each.alt_text) : text(each, users),
        ),
      );
    case "actions":
      return make(
        "div",
        { class: "block-actions" },
        ...value.elements.map((each) => element(each, where, users)),
      );
    case "divider":
      return make("hr", { class: "block-divider" });
    case "markdown":
      return mrkdwn(value.text, users);
    default:
      return make("span", { class: "quiet" }, `[${value.type}]`);
  }
}

// A message that was sent as text is drawn from its text, which keeps bold, lists and code.
export function content(message, channel, users) {
  const drawn = message.blocks ?? [];
  const plain = drawn.length === 0 || (drawn.length === 1 && drawn[0].type === "rich_text");
  if (plain && message.text) return mrkdwn(message.text, users);
  const where = { channel, ts: message.ts };
  return make(
    "div",
    { class: "blocks" },
    ...drawn.map((each) =>
      each.type === "rich_text"
        ? make("div", {}, ...each.elements.map((part) => rich(part, users)))
        : block(each, where, users),
    ),
  );
}
