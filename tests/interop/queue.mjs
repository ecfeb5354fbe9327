// What a BullMQ program sees of the queue: node queue.mjs REDIS_HOST REDIS_PORT
// Prints {"counts": …, "jobs": [{id, name, data, state}]}, newest first; exit 1 when Redis cannot be read.
import { Queue } from "bullmq";

const QUEUE = "webhook-processing";
const STATES = /** @type {const} */ (["completed", "waiting", "active", "failed"]);
const MAX_JOBS = 20;

const [host, port] = process.argv.slice(2);
if (!host || !Number(port)) {
  console.error("usage: node queue.mjs REDIS_HOST REDIS_PORT");
  process.exit(1);
}

const queue = new Queue(QUEUE, {
  connection: { host, port: Number(port), connectTimeout: 5000, retryStrategy: () => null },
  skipMetasUpdate: true, // a reader leaves no trace
});
queue.on("error", (error) => {
  console.error(`cannot read ${QUEUE} at ${host}:${port}: ${error.message}`);
  process.exit(1);
});

const counts = await queue.getJobCounts();
const found = await queue.getJobs([...STATES], 0, MAX_JOBS - 1);
const newest = found.sort((a, b) => b.timestamp - a.timestamp).slice(0, MAX_JOBS);
const jobs = await Promise.all(
  newest.map(async (job) => ({ id: job.id, name: job.name, data: job.data, state: await job.getState() })),
);
console.log(JSON.stringify({ counts, jobs }));
await queue.close();
