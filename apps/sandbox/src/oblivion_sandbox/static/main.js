// Keeps the page in step with the sandbox.
import { pageState } from "./api.js";
import { drawClickUp, newTask, openTask } from "./clickup.js";
import { keepingFocus } from "./dom.js";
import { drawSlack, findMessage } from "./slack.js";

const POLL_MILLISECONDS = 700;
let state = null;

function drawHealth() {
  const pill = document.getElementById("health");
  const failing = state.webhooks.some((hook) => hook.health !== "active");
  const listening = state.connected && state.webhooks.length > 0;
  pill.className = failing ? "pill bad" : listening ? "pill good" : "pill";
  pill.textContent = failing
    ? "A webhook is failing"
    : listening
      ? "Oblivion is connected"
      : "Oblivion is not connected yet";
}

function redraw() {
  if (state === null) return;
  keepingFocus(() => {
    drawHealth();
    drawClickUp(state, redraw);
    drawSlack(state, redraw);
  });
}

function followLink() {
  const task = /^#task=(\w+)$/.exec(location.hash);
  const message = /^#message=(\w+)\/p(\d{10})(\d{6})/.exec(location.hash);
  if (task) openTask(task[1]);
  if (message) findMessage(message[1], `${message[2]}.${message[3]}`);
  redraw();
}

async function poll() {
  const fresh = await pageState(state?.version ?? "");
  if (fresh?.lists) {
    state = fresh;
    redraw();
  }
  setTimeout(poll, POLL_MILLISECONDS);
}

document.getElementById("new").addEventListener("click", () => {
  newTask();
  redraw();
});
window.addEventListener("hashchange", followLink);
followLink();
poll();
