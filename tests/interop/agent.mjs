// An agent written against the published wire alone: node agent.mjs NEXUS_URL TOKEN
// Prints one JSON line for each event received and each answer; exit 0 done, 1 not done, 2 refused.
import { randomUUID } from "node:crypto";

import { io } from "socket.io-client";

const BOUND_SECONDS = 30;

const [url, token] = process.argv.slice(2);
if (!url || !token) finish(1, "usage: node agent.mjs NEXUS_URL TOKEN");

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

let step = "connect";
let lastSeq = 0;
const socket = io(`${url.replace(/\/+$/, "")}/agents`, { transports: ["websocket"], auth: { token } });
setTimeout(
  () => finish(1, `no completed task within ${BOUND_SECONDS} s, last step: ${step}`),
  BOUND_SECONDS * 1000,
);

/**
 * Sends a frame, prints its answer, and stops the program when the answer is a refusal.
 * @param {string} event
 * @param {object} frame
 */
async function send(event, frame) {
  step = event;
  const answer = await socket.timeout(BOUND_SECONDS * 1000).emitWithAck(event, frame);
  print({ answer, to: event });
  if (answer?.ok === false) finish(1, `${event} was refused: ${JSON.stringify(answer)}`);
}

/** @param {{seq: number, task_id: string, epoch: number}} task */
async function work({ seq, task_id, epoch }) {
  const frame = () => ({ task_id, epoch, event_id: randomUUID() });
  socket.emit("ack", { seq });
  await send("task.accept", frame());
  await send("task.message", { ...frame(), text: "Hello from an agent written in JavaScript." });
  await send("task.complete", { ...frame(), result: "Done in JavaScript." });
  finish(0);
}

socket.onAny((event, data) => {
  print({ event, data });
  if (typeof data?.seq === "number") lastSeq = Math.max(lastSeq, data.seq);
});

socket.on("connect", () => {
  const hello = { last_seq: lastSeq, instance: "js-1", skills: ["fix_bug"], capacity: 1, holding: [] };
  send("hello", hello).catch((error) => finish(1, `hello: ${error.message}`));
});

socket.once("task.assigned", (task) => {
  work(task).catch((error) => finish(1, `${step}: ${error.message}`));
});

socket.on("disconnect", (reason) => {
  print({ event: "disconnect", reason });
  if (!socket.active) finish(1, `closed by the server during ${step}`);
});

socket.on("connect_error", (error) => {
  print({ event: "connect_error", message: error.message });
  if (!socket.active) finish(2); // refused by the server; otherwise the client tries again
});
