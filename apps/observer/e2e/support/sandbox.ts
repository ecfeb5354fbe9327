import { addresses } from "./installation";

/** A task of ClickUp's, as its API answers. */
export interface ClickUpTask {
  id: string;
  name: string;
}

export const LIST_INBOX = "901100200300";
export const LIST_WEBSITE = "901100200301";
export const LIST_RELIABILITY = "901100200302";
export const CHANNEL_SQUAD = "C0A1B2C3D";
export const CHANNEL_WEBSITE = "C0WEBSITE1";

/** Somebody writes a task in ClickUp. */
export async function writeTask(
  name: string,
  description: string,
  listId = LIST_INBOX,
): Promise<ClickUpTask> {
  const { clickup_api_url, clickup_token } = addresses();
  return (await ask(`${clickup_api_url}/list/${listId}/task`, {
    method: "POST",
    headers: { Authorization: clickup_token, "Content-Type": "application/json" },
    body: JSON.stringify({ name, markdown_description: description }),
  })) as ClickUpTask;
}

/** Somebody comments on a task in ClickUp. */
export async function comment(taskId: string, text: string): Promise<void> {
  const { clickup_api_url, clickup_token } = addresses();
  await ask(`${clickup_api_url}/task/${taskId}/comment`, {
    method: "POST",
    headers: { Authorization: clickup_token, "Content-Type": "application/json" },
    body: JSON.stringify({ comment_text: text, notify_all: false }),
  });
}

/** A fault of a vendor's, until `clearFaults`; see the sandbox's README. */
export async function addFault(rule: Record<string, unknown>): Promise<void> {
  await control("POST", "/_control/faults", rule);
}

/** The vendors behave again. */
export async function clearFaults(): Promise<void> {
  await control("DELETE", "/_control/faults");
}

/** Somebody archives a channel in Slack, or takes it up again. */
export async function archive(channel: string, archived: boolean): Promise<void> {
  await control("POST", "/_control/slack/channels", { channel, archived });
}

/** Every message in Slack, by its last change. */
export async function slackMessages(): Promise<
  { channel: string; text: string; thread_ts: string | null }[]
> {
  const told = (await control("GET", "/_control/slack/effects?since=0")) as {
    effects: { channel: string; text: string; thread_ts: string | null }[];
  };
  return told.effects;
}

async function control(method: string, path: string, body?: unknown): Promise<unknown> {
  return ask(`${addresses().sandbox_url}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function ask(url: string, request: RequestInit): Promise<unknown> {
  const answer = await fetch(url, request);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}
