// A dashboard written against the published wire alone: node admin.mjs NEXUS_URL TOKEN [CURSOR]
// Subscribes, or resumes where CURSOR is; prints one JSON line for each event, until a task is completed.
// Exit 0 seen, 1 not seen, 2 refused.
import { io } from "socket.io-client";

const BOUND_SECONDS = 30;

const [url, token, cursor] = process.argv.slice(2);
if (!url || !token) finish(1, "usage: node admin.mjs NEXUS_URL TOKEN [CURSOR]");

/** @param {object} line */
function print(line) {
  console.log(JSON.stringify(line));
}

/**
 * @param {0 | 1 | 2} code
 * @param {string} [message]
 * @returns {never}
 */
function finish(code, message) {
  if (message) print({ event: "failed", message });
  process.exit(code);
}

const seen = new Set();
const wanted = ["task.complete", "webhook.done", ...(cursor ? [] : ["completed"])];
const socket = io(`${url.replace(/\/+$/, "")}/admin`, { transports: ["websocket"], auth: { token } });
setTimeout(() => finish(1, `no completed task within ${BOUND_SECONDS} s`), BOUND_SECONDS * 1000);

socket.on("connect", async () => {
  const [event, frame] = cursor ? ["resume", { since: cursor }] : ["subscribe", { filters: {}, tail: 10 }];
  print({ answer: await socket.timeout(BOUND_SECONDS * 1000).emitWithAck(event, frame), to: event });
});

socket.onAny((event, data) => print({ event, data }));

/** @param {string[]} names */
function see(...names) {
  for (const name of names) seen.add(name);
  if (wanted.every((name) => seen.has(name))) finish(0);
}

socket.on("feed", (feed) => see(...feed.lines.map((/** @type {{kind: string}} */ line) => line.kind)));
socket.on("task", (task) => see(task.state));

socket.on("disconnect", (reason) => {
  print({ event: "disconnect", reason });
  if (!socket.active) finish(1, "closed by the server");
});

socket.on("connect_error", (error) => {
  print({ event: "connect_error", message: error.message });
  if (!socket.active) finish(2); // refused by the server; otherwise the client tries again
});
