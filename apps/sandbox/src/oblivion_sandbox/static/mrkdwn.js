// Slack's mrkdwn to elements: *bold*, _italic_, ~strike~, `code`, ```blocks```, > quotes, <links>, mentions, :emoji:.
import { make } from "./dom.js";

const EMOJI = {
  robot_face: "🤖",
  white_check_mark: "✅",
  heavy_check_mark: "✔️",
  x: "❌",
  warning: "⚠️",
  clipboard: "📋",
  eyes: "👀",
  hourglass: "⌛",
  hourglass_flowing_sand: "⏳",
  tada: "🎉",
  rocket: "🚀",
  bug: "🐛",
  memo: "📝",
  speech_balloon: "💬",
  question: "❓",
  raised_hand: "✋",
  octagonal_sign: "🛑",
  no_entry: "⛔",
  lock: "🔒",
  mag: "🔍",
  gear: "⚙️",
  link: "🔗",
  thumbsup: "👍",
  "+1": "👍",
  thumbsdown: "👎",
  heart: "❤️",
  fire: "🔥",
  wave: "👋",
  thinking_face: "🤔",
  zap: "⚡",
  large_green_circle: "🟢",
  large_yellow_circle: "🟡",
  red_circle: "🔴",
  large_blue_circle: "🔵",
  white_circle: "⚪",
  black_square_button: "🔲",
  white_large_square: "⬜",
  ballot_box_with_check: "☑️",
  mute: "🔇",
  bell: "🔔",
  inbox_tray: "📥",
};

export function emoji(name) {
  return EMOJI[name.split("::")[0]] ?? `:${name}:`;
}

export function unescape(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

export function link(url, label) {
  if (!/^https?:\/\//i.test(url)) return document.createTextNode(label);
  return make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, label);
}

function angle(token, users) {
  const bar = token.indexOf("|");
  const target = bar < 0 ? token : token.slice(0, bar);
  const label = bar < 0 ? "" : unescape(token.slice(bar + 1));
  if (target.startsWith("@")) {
    const user = users[target.slice(1)];
    return make(
      "span",
      { class: "mention" },
      `@${user ? user.profile.display_name || user.real_name : target.slice(1)}`,
    );
  }
  if (target.startsWith("#")) return make("span", { class: "mention" }, `#${label || target.slice(1)}`);
  if (target.startsWith("!")) return make("span", { class: "mention" }, `@${label || target.slice(1)}`);
  return link(unescape(target), label || unescape(target));
}

const INLINE =
  /```([\s\S]+?)```|`([^`\n]+)`|<([^<>\n]+)>|(?<![\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])|(?<![\w_])_(\S(?:[^_\n]*\S)?)_(?![\w_])|(?<![\w~])~(\S(?:[^~\n]*\S)?)~(?![\w~])|:([a-z0-9_+-]+):/g;

function inline(text, users) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(unescape(text.slice(end, match.index)));
    end = match.index + match[0].length;
    const [, fence, code, token, bold, italic, strike, name] = match;
    if (fence !== undefined) nodes.push(make("pre", {}, unescape(fence.replace(/^\n/, ""))));
    else if (code !== undefined) nodes.push(make("code", {}, unescape(code)));
    else if (token !== undefined) nodes.push(angle(token, users));
    else if (bold !== undefined) nodes.push(make("strong", {}, ...inline(bold, users)));
    else if (italic !== undefined) nodes.push(make("em", {}, ...inline(italic, users)));
    else if (strike !== undefined) nodes.push(make("s", {}, ...inline(strike, users)));
    else nodes.push(emoji(name));
  }
  nodes.push(unescape(text.slice(end)));
  return nodes.flatMap((node) => (typeof node === "string" ? lines(node) : [node]));
}

function lines(text) {
  return text
    .split("\n")
    .flatMap((line, index) => (index ? [make("br"), line] : [line]))
    .filter((part) => part !== "");
}

export function mrkdwn(text, users) {
  const root = make("div");
  for (const part of text.split(/((?:^(?:&gt;|>) ?.*(?:\n|$))+)/m)) {
    if (/^(?:&gt;|>)/.test(part)) {
      const quoted = part.replace(/\n$/, "").replace(/^(?:&gt;|>) ?/gm, "");
      root.append(make("blockquote", {}, ...inline(quoted, users)));
    } else if (part) root.append(...inline(part, users));
  }
  return root;
}
