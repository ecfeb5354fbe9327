"""What a test of the connection finds at ClickUp, and how we leave."""

from typing import Any

import pytest
from support.local_clickup import CUT, Answer, Asked, LocalClickUp

from nexus.integrations.clickup import integration as make_integration
from nexus.integrations.clickup.hooks import SUBSCRIBED_EVENTS
from nexus.integrations.clickup.integration import ClickUpIntegration
from nexus.integrations.clickup.settings import Credentials
from nexus.pipeline.errors import Retryable

ENDPOINT = "https://hub.example/webhooks/clickup"
URL = "https://hub.example/"
WELL = {"user": {"id": 81230001, "username": "Oblivion"}}
TEAMS = {"teams": [{"id": "9011012345", "name": "Example Workspace"}]}
REFUSED = Answer(401, json={"err": "Token invalid", "ECODE": "OAUTH_025"})


def hook(**changes: Any) -> dict[str, Any]:
    given = {
        "id": "h1",
        "endpoint": ENDPOINT,
        "events": list(SUBSCRIBED_EVENTS),
        "health": {"status": "active", "fail_count": 0},
    }
    return given | changes


@pytest.fixture
async def clickup(clock, local: LocalClickUp):
    """An integration whose ClickUp has some webhooks and gives some answers; with what was asked."""
    made = ClickUpIntegration(clock)

    def build(*hooks: dict[str, Any], **answers: Any) -> tuple[ClickUpIntegration, list[str]]:
        calls: list[str] = []
        bodies = {"user": WELL, "team": TEAMS, "team/9011012345/webhook": {"webhooks": list(hooks)}} | answers

        def say(asked: Asked) -> Answer | str:
            path = asked.path.removeprefix("/")
            calls.append(f"{asked.method} {path}")
            answer = {} if asked.method == "DELETE" else bodies[path]
            return answer if isinstance(answer, Answer | str) else Answer(json=answer)

        local.says = say
        return made, calls

    yield build
    await made.aclose()


@pytest.fixture
def ours(connected_to_local):
    """The connection, which knows the secret of webhook `h1`."""
    return connected_to_local({"hooks": {"h1": "s1"}})


async def test_a_sound_connection_passes_every_check_and_nothing_is_changed(clickup, ours) -> None:
    made, calls = clickup(hook())
    checks = await made.examine(ours, URL)
    assert [(one.name, one.state) for one in checks] == [
        ("Token", "ok"),
        ("Workspace", "ok"),
        ("Webhook", "ok"),
        ("Requests", "ok"),
    ]
    assert {call.split()[0] for call in calls} == {"GET"}


@pytest.mark.parametrize(
    ("hooks", "state", "detail"),
    [
        ([], "failed", f"There is none for {ENDPOINT}."),
        ([hook(endpoint="https://old.example/webhooks/clickup")], "failed", "https://old.example/webhooks/clickup"),
        ([hook(id="h2")], "failed", "whose secret we do not have"),
        ([hook(health={"status": "suspended", "fail_count": 100})], "failed", "suspended"),
        ([hook(health={"status": "active", "fail_count": 3})], "warning", "3 failures"),
        ([hook(events=["taskCreated"])], "warning", "taskUpdated"),
        ([hook(events=["*"])], "ok", "Active"),
        ([hook(health=None)], "ok", "Active"),
        ([hook(id="h0", endpoint="https://other.example/"), hook()], "ok", "Active"),
        ([hook(id="part", space_id=5)], "failed", "There is none"),
    ],
)
async def test_what_is_wrong_with_the_webhook_is_said(clickup, ours, hooks, state: str, detail: str) -> None:
    made, _ = clickup(*hooks)
    webhook = next(one for one in await made.examine(ours, URL) if one.name == "Webhook")
    assert (webhook.state, detail in webhook.detail) == (state, True), webhook
    assert state == "ok" or webhook.hint


async def test_a_token_that_is_refused_is_the_one_thing_that_is_said(clickup, ours) -> None:
    made, _ = clickup(hook(), user=REFUSED)
    (token,) = await made.examine(ours, URL)
    assert (token.name, token.state) == ("Token", "failed") and token.hint


async def test_a_user_that_was_taken_out_of_the_workspace_is_said(clickup, ours) -> None:
    made, _ = clickup(hook(), team={"teams": [{"id": "1", "name": "Other"}]})
    _, workspace = await made.examine(ours, URL)
    assert (workspace.name, workspace.state) == ("Workspace", "failed") and "9011012345" in workspace.detail


async def test_a_budget_that_is_spent_is_a_warning(clickup, ours, clock) -> None:
    spent = {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "1"}
    reset = {"x-ratelimit-reset": str(int(clock.now().timestamp()) + 30)}
    answer = Answer(json={"webhooks": [hook()]}, headers=spent | reset)
    made, _ = clickup(**{"team/9011012345/webhook": answer})
    requests = next(one for one in await made.examine(ours, URL) if one.name == "Requests")
    assert requests.state == "warning" and "30 s" in requests.detail


async def test_a_clickup_that_does_not_answer_is_not_judged(clickup, ours) -> None:
    made, _ = clickup(user=CUT)
    with pytest.raises(Retryable):
        await made.examine(ours, URL)


async def test_leaving_deletes_our_webhooks_and_nobody_elses(clickup, ours) -> None:
    made, calls = clickup(
        hook(),
        hook(id="old", endpoint=ENDPOINT),
        hook(id="foreign", endpoint="https://other.example/webhooks/clickup"),
        hook(id="part", space_id=5),
    )
    await made.unsubscribe(ours, URL)
    assert [call for call in calls if call.startswith("DELETE")] == ["DELETE webhook/h1", "DELETE webhook/old"]


def test_every_credential_that_is_asked_for_is_one_that_is_read() -> None:
    described = make_integration().describe(URL)
    names = {field.name for field in described.fields}
    assert names == set(Credentials.model_fields) - {"hooks"}
    assert {field.name for field in described.fields if field.required} == {
        name for name, field in Credentials.model_fields.items() if field.is_required()
    }
    assert (described.vendor, described.role, described.manifest) == ("clickup", "tracker", None)
    assert all(field.secret for field in described.fields if "token" in field.name)
    assert described.steps and all(step.endswith((".", "_.")) for step in described.steps)
