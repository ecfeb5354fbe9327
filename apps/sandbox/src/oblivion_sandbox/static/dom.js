// Building elements. Text always becomes a text node, so nothing that people write can become markup.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

let hide = 0;

export function toast(text) {
  const box = document.getElementById("toast");
  box.textContent = text;
  box.classList.add("shown");
  clearTimeout(hide);
  hide = setTimeout(() => box.classList.remove("shown"), 4000);
}

// Draw; the field that has the focus keeps it with its selection.
export function keepingFocus(draw) {
  const focused = document.activeElement;
  const range =
    focused && "selectionStart" in focused ? [focused.selectionStart, focused.selectionEnd] : null;
  draw();
  if (!focused || focused === document.activeElement || !focused.isConnected) return;
  focused.focus({ preventScroll: true });
  if (range && range[0] !== null) focused.setSelectionRange(...range);
}

const composers = new Map();

// A text box with a button. The same key gives the same element, so drafts survive a redraw.
export function composer(key, placeholder, label, send) {
  const known = composers.get(key);
  if (known) return known;
  const field = make("textarea", { placeholder, rows: "1", "aria-label": placeholder });
  const submit = async () => {
    const text = field.value.trim();
    if (!text) return;
    field.value = "";
    if (!(await send(text))) field.value = text;
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    }
  });
  const element = make("div", { class: "send" }, field, make("button", { onclick: submit }, label));
  composers.set(key, element);
  return element;
}

export function clock(milliseconds) {
  return new Date(milliseconds).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

export function initials(name) {
  return name
    .split(/[\s/_-]+/)
    .slice(0, 2)
    .map((word) => word.charAt(0).toUpperCase())
    .join("");
}
