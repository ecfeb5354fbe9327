// The right half: a channel, its messages and threads.
import { slack } from "./api.js";
import { content } from "./blocks.js";
import { clock, composer, initials, make } from "./dom.js";
import { emoji } from "./mrkdwn.js";

const ME = "U0DANA0001";
const view = { channel: "C0A1B2C3D", found: null };

export function findMessage(channel, ts) {
  Object.assign(view, { channel, found: ts });
}

// As Slack's own client does before it sends: exactly these three, and known names become mentions.
function outgoing(text, users) {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return escaped.replace(/@([a-z]+)\b/g, (whole, name) => {
    const user = Object.values(users).find((each) => each.name === name);
    return user ? `<@${user.id}>` : whole;
  });
}

function author(message, users) {
  if (message.username) return message.username;
  const user = users[message.user];
  return user
    ? user.profile.display_name || user.real_name
    : message.user === "USLACKBOT"
      ? "Slackbot"
      : "App";
}

function avatar(message, name) {
  const icon = message.icons?.emoji;
  if (icon) return make("div", { class: "avatar emoji" }, emoji(icon.replaceAll(":", "")));
  return make("div", { class: "avatar" }, initials(name));
}

function tools(message) {
  const react = (name) => slack("reactions.add", { channel: view.channel, timestamp: message.ts, name });
  const box = make("span", { class: "tools" });
  for (const name of ["white_check_mark", "clipboard", "eyes"]) {
    box.append(
      make(
        "button",
        { class: "plain", title: `React with :${name}:`, onclick: () => react(name) },
        emoji(name),
      ),
    );
  }
  if (message.user === ME && !message.bot_id && !message.subtype) {
    const edit = () => {
      const text = window.prompt("Edit message", message.text);
      if (text) slack("chat.update", { channel: view.channel, ts: message.ts, text });
    };
    const remove = () => slack("chat.delete", { channel: view.channel, ts: message.ts });
    box.append(
      make("button", { class: "plain", onclick: edit }, "Edit"),
      make("button", { class: "plain", onclick: remove }, "Delete"),
    );
  }
  return box;
}

function drawMessage(message, users, note) {
  const name = author(message, users);
  const who = make(
    "div",
    { class: "who" },
    make("strong", {}, name),
    message.bot_id ? make("span", { class: "badge" }, "APP") : null,
    make("span", { class: "quiet" }, clock(Number(message.ts) * 1000)),
    message.edited ? make("span", { class: "quiet" }, "(edited)") : null,
    note ? make("span", { class: "quiet" }, note) : null,
    note ? null : tools(message),
  );
  const body = make("div", { class: "body" }, content(message, view.channel, users));
  const reactions = (message.reactions ?? []).map((each) =>
    make("span", {}, `${emoji(each.name)} ${each.count}`),
  );
  return make(
    "article",
    { class: view.found === message.ts ? "message found" : "message", "data-ts": message.ts },
    avatar(message, name),
    make("div", {}, who, body, reactions.length ? make("div", { class: "reactions" }, ...reactions) : null),
  );
}

function drawThread(root, replies, state) {
  const users = state.users;
  const drawn = replies.map((reply) => drawMessage(reply, users));
  const status = state.thread_statuses[`${view.channel}/${root.ts}`];
  if (status) drawn.push(make("div", { class: "working" }, `Oblivion ${status}`));
  const open = replies.length > 0 || root.bot_id;
  if (!open) return drawn.length ? make("div", { class: "thread" }, ...drawn) : null;
  const send = (text) =>
    slack("chat.postMessage", { channel: view.channel, thread_ts: root.ts, text: outgoing(text, users) });
  drawn.push(composer(`thread ${view.channel} ${root.ts}`, "Reply in thread", "Reply", send));
  return make("div", { class: "thread" }, ...drawn);
}

export function drawSlack(state, redraw) {
  const choose = (id) => () => {
    Object.assign(view, { channel: id, found: null });
    redraw();
  };
  const shown = state.channels.filter((channel) => !channel.is_archived);
  document
    .getElementById("channels")
    .replaceChildren(
      ...shown.map((channel) =>
        make(
          "button",
          { "aria-current": String(channel.id === view.channel), onclick: choose(channel.id) },
          `${channel.is_private ? "🔒" : "#"} ${channel.name}`,
        ),
      ),
    );

  const box = document.getElementById("messages");
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
  const messages = state.messages[view.channel] ?? [];
  const threads = Map.groupBy(
    messages.filter((each) => each.thread_ts && each.thread_ts !== each.ts),
    (each) => each.thread_ts,
  );
  const drawn = messages
    .filter((each) => !each.thread_ts || each.thread_ts === each.ts)
    .flatMap((root) => [drawMessage(root, state.users), drawThread(root, threads.get(root.ts) ?? [], state)])
    .filter((each) => each !== null);
  for (const each of state.ephemeral[view.channel] ?? []) {
    if (each.to === ME) drawn.push(drawMessage(each, state.users, "Only visible to you"));
  }
  const member = state.channels.find((channel) => channel.id === view.channel)?.bot_is_member;
  const hint = member
    ? "Nothing here yet. Create a task that mentions @AI_Squad in ClickUp on the left."
    : "Oblivion is not a member of this channel.";
  box.replaceChildren(...(drawn.length ? drawn : [make("p", { class: "empty" }, hint)]));
  if (atEnd) box.scrollTop = box.scrollHeight;
  if (view.found) box.querySelector(".found")?.scrollIntoView({ block: "center" });

  const name = state.channels.find((channel) => channel.id === view.channel)?.name;
  const channel = view.channel;
  const send = (text) => slack("chat.postMessage", { channel, text: outgoing(text, state.users) });
  document
    .getElementById("composer")
    .replaceChildren(composer(`channel ${channel}`, `Message #${name}`, "Send", send));
}
