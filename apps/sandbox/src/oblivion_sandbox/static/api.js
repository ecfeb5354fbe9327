// The same calls a person's client makes, as Dana.
import { toast } from "./dom.js";

const CLICKUP_TOKEN = "pk_81234567_DANA_SANDBOX";
const SLACK_TOKEN = "xoxp-sandbox-dana";

async function request(url, options) {
  try {
    const response = await fetch(url, options);
    return { status: response.status, body: await response.json() };
  } catch {
    toast("The sandbox does not answer.");
    return null;
  }
}

export async function clickup(verb, path, body) {
  const headers = { Authorization: CLICKUP_TOKEN, "Content-Type": "application/json" };
  const answer = await request(`/clickup/api/v2${path}`, {
    method: verb,
    headers,
    body: body && JSON.stringify(body),
  });
  if (answer === null) return null;
  if (answer.status < 400) return answer.body;
  toast(`ClickUp: ${answer.body.err}`);
  return null;
}

export async function slack(method, body) {
  const headers = {
    Authorization: `Bearer ${SLACK_TOKEN}`,
    "Content-Type": "application/json; charset=utf-8",
  };
  const answer = await request(`/slack/api/${method}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  if (answer === null) return null;
  if (answer.body.ok) return answer.body;
  toast(`Slack: ${answer.body.error}`);
  return null;
}

export async function press(channel, ts, actionId, value) {
  const body = JSON.stringify({
    channel,
    ts,
    action_id: actionId,
    ...(value === undefined ? {} : { value }),
  });
  const answer = await request("/_control/slack/press", { method: "POST", body });
  if (answer !== null && !answer.body.ok) toast("The app did not answer this button. Is Oblivion connected?");
}

export async function pageState(version) {
  try {
    return await (await fetch(`/_page/state?since=${encodeURIComponent(version)}`)).json();
  } catch {
    return null;
  }
}
