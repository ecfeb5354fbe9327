"""Connecting ClickUp: credentials that do not work say what to do."""

import json
from dataclasses import replace

import pytest
from support.local_clickup import CUT, Answer, Asked, LocalClickUp

from nexus.integrations.clickup import integration as make_integration
from nexus.integrations.clickup.integration import ClickUpIntegration
from nexus.pipeline.errors import Deferred, Rejected, Retryable
from nexus.pipeline.facts import Item, ItemChanged, Person
from oblivion_protocol.operating import TrackerList

ENDPOINT = "https://hub.example/webhooks/clickup"
URL = "https://hub.example/"


@pytest.fixture
async def clickup(clock, local: LocalClickUp):
    """An integration in front of answers by "VERB /path": each a body, an Answer, CUT, or several of these."""
    opened: list[ClickUpIntegration] = []

    def build(answers):
        queues = {key: list(value) if isinstance(value, list) else value for key, value in answers.items()}
        build.calls = []

        def say(asked: Asked) -> Answer | str:
            key = f"{asked.method} {asked.path}"
            build.calls.append((key, json.loads(asked.body) if asked.body else None))
            answer = queues[key]
            answer = answer.pop(0) if isinstance(answer, list) else answer
            return answer if isinstance(answer, Answer | str) else Answer(json=answer)

        local.says = say
        opened.append(ClickUpIntegration(clock))
        return opened[-1]

    yield build
    for each in opened:
        await each.aclose()


@pytest.fixture
def connected(connected_to_local):
    return connected_to_local


@pytest.fixture
def credentials(local: LocalClickUp):
    return {"token": "pk_81230001_TEST", "api_url": local.api_url}


USER = {"user": {"id": 81230001, "username": "Oblivion"}}
ONE = {"id": "9011012345", "name": "Example Workspace"}
TWO = {"id": "9011099999", "name": "Other"}


def test_the_factory_makes_a_tracker_called_clickup():
    made = make_integration()
    assert (made.name, made.role, made.source.name) == ("clickup", "tracker", "clickup")


async def test_a_probe_learns_the_workspace_and_our_own_user(clickup, credentials, payload):
    answers = {"GET /user": json.loads(payload("get_user")), "GET /team": json.loads(payload("get_teams"))}
    probe = await clickup(answers).probe(credentials)
    assert (probe.workspace_id, probe.name) == ("9011012345", "Example Workspace")
    assert probe.facts == {"user_id": "81234567", "username": "Dana Reyes"}


async def test_a_probe_takes_the_workspace_that_was_asked_for(clickup, credentials):
    probe = clickup({"GET /user": USER, "GET /team": {"teams": [ONE, TWO]}})
    assert (await probe.probe(credentials | {"team_id": 9011099999})).name == "Other"


@pytest.mark.parametrize(
    ("teams", "team_id", "said"),
    [
        ([ONE, TWO], None, r"give team_id.*Example Workspace \(9011012345\), Other \(9011099999\)"),
        ([ONE], "9011099999", r"not in workspace 9011099999, but in: Example Workspace"),
        ([], None, "invite it"),
    ],
)
async def test_a_probe_that_cannot_choose_a_workspace_says_which_there_are(clickup, credentials, teams, team_id, said):
    with pytest.raises(Rejected, match=said):
        await clickup({"GET /user": USER, "GET /team": {"teams": teams}}).probe(credentials | {"team_id": team_id})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "token"),
        ({"token": ""}, "token"),
        ({"token": "pk_1_A B"}, "token"),
        ({"token": "pk_1_\nX"}, "token"),
        ({"token": "pk_1_é"}, "token"),
        ({"token": "pk_1_A", "api_url": "ftp://x"}, "api_url"),
        ({"token": "pk_1_A", "api_url": "https://a:b"}, "api_url"),
        ({"token": "pk_1_A", "api_url": "https://me:pk_1@a"}, "api_url"),
        ({"token": "pk_1_A", "team_id": "a b"}, "team_id"),
    ],
)
async def test_credentials_that_cannot_be_are_refused_by_field_and_not_quoted(clickup, given, said):
    with pytest.raises(Rejected, match=f"ClickUp's {said} cannot be used") as caught:
        await clickup({}).probe(given)
    assert "pk_1" not in caught.value.reason


async def test_a_refused_token_is_rejected_and_an_absent_clickup_is_not(clickup, credentials, payload, unused_tcp_port):
    refused = Answer(401, body=payload("error_401_token_invalid"))
    with pytest.raises(Rejected, match="refused the token"):
        await clickup({"GET /user": refused}).probe(credentials)
    with pytest.raises(Retryable, match="cannot be reached"):
        await clickup({}).probe(credentials | {"api_url": f"http://127.0.0.1:{unused_tcp_port}"})


def hook(**keys):
    made = {"id": "h1", "endpoint": ENDPOINT, "events": "*", "health": {"status": "active"}, "secret": "s1"}
    return made | keys


HOOKS = "/team/9011012345/webhook"


def keys(calls):
    return [key for key, _ in calls]


async def test_a_healthy_webhook_is_left_alone(clickup, connected):
    (secret,) = await clickup({f"GET {HOOKS}": {"webhooks": [hook()]}}).subscribe(connected(), URL)
    assert (secret.key, secret.secret) == ("h1", "s1")
    assert keys(clickup.calls) == [f"GET {HOOKS}"]


async def test_webhooks_to_other_addresses_or_places_are_not_ours(clickup, connected):
    others = [hook(endpoint="https://else.example/webhooks/clickup"), hook(list_id=901100200300)]
    answers = {
        f"GET {HOOKS}": {"webhooks": others},
        f"POST {HOOKS}": {"id": "h2", "webhook": hook(id="h2", secret="s2")},
    }
    (secret,) = await clickup(answers).subscribe(connected(), URL)
    assert (secret.key, secret.secret) == ("h2", "s2")
    body = clickup.calls[-1][1]
    assert body["endpoint"] == ENDPOINT
    assert {"taskCreated", "taskDeleted", "taskCommentPosted", "taskCommentUpdated"} <= set(body["events"])


@pytest.mark.parametrize("name", ["get_webhooks_failing", "get_webhooks_suspended"])
async def test_a_sick_webhook_is_made_active_again(clickup, connected, payload, name):
    ours = json.loads(payload(name))["webhooks"][0]
    answers = {f"GET {HOOKS}": {"webhooks": [ours]}, f"PUT /webhook/{ours['id']}": {}}
    (secret,) = await clickup(answers).subscribe(connected(), "https://nexus.example.com")
    assert (secret.key, secret.secret) == (ours["id"], ours["secret"])
    body = clickup.calls[-1][1]
    assert body["status"] == "active"
    assert body["endpoint"] == "https://nexus.example.com/webhooks/clickup"


async def test_a_webhook_that_misses_an_event_is_given_it(clickup, connected):
    answers = {f"GET {HOOKS}": {"webhooks": [hook(events=["taskCreated"])]}, "PUT /webhook/h1": {}}
    await clickup(answers).subscribe(connected(), URL)
    assert "taskDeleted" in clickup.calls[-1][1]["events"]


async def test_a_secret_that_clickup_hides_is_taken_from_the_connection(clickup, connected):
    connection = connected({"hooks": {"h1": "kept"}})
    answers = {f"GET {HOOKS}": {"webhooks": [hook(secret=None)]}}
    (secret,) = await clickup(answers).subscribe(connection, URL)
    assert (secret.key, secret.secret) == ("h1", "kept")


async def test_a_webhook_whose_secret_nobody_knows_is_made_anew(clickup, connected):
    answers = {
        f"GET {HOOKS}": {"webhooks": [hook(secret=None)]},
        "DELETE /webhook/h1": {},
        f"POST {HOOKS}": {"webhook": hook(id="h2", secret="s2")},
    }
    (secret,) = await clickup(answers).subscribe(connected(), URL)
    assert (secret.key, secret.secret) == ("h2", "s2")
    assert keys(clickup.calls) == [f"GET {HOOKS}", "DELETE /webhook/h1", f"POST {HOOKS}"]


async def test_of_two_webhooks_with_our_address_one_goes(clickup, connected):
    answers = {
        f"GET {HOOKS}": {"webhooks": [hook(secret=None), hook(id="h2", secret="s2")]},
        "DELETE /webhook/h1": {},
    }
    (secret,) = await clickup(answers).subscribe(connected(), URL)
    assert secret.key == "h2"
    assert keys(clickup.calls)[1:] == ["DELETE /webhook/h1"]


async def test_a_webhook_that_appears_meanwhile_is_used(clickup, connected, payload):
    exists = Answer(400, body=payload("error_webhook_exists"))
    answers = {f"GET {HOOKS}": [{"webhooks": []}, {"webhooks": [hook()]}], f"POST {HOOKS}": exists}
    (secret,) = await clickup(answers).subscribe(connected(), URL)
    assert secret.key == "h1"


async def test_a_webhook_of_another_user_is_a_matter_for_a_person(clickup, connected, payload):
    exists = Answer(400, body=payload("error_webhook_exists"))
    answers = {f"GET {HOOKS}": {"webhooks": []}, f"POST {HOOKS}": exists}
    with pytest.raises(Rejected, match="another ClickUp user"):
        await clickup(answers).subscribe(connected(), URL)


async def test_a_registration_without_an_answer_may_be_tried_again(clickup, connected):
    answers = {f"GET {HOOKS}": {"webhooks": []}, f"POST {HOOKS}": CUT}
    with pytest.raises(Retryable):
        await clickup(answers).subscribe(connected(), URL)


async def test_without_a_public_address_nothing_is_registered(clickup, connected):
    with pytest.raises(Rejected, match="public URL"):
        await clickup({}).subscribe(connected(), "")


async def test_a_connection_keeps_its_budget_until_its_token_changes(clickup, connected, clock):
    reset = str(int(clock.now().timestamp()) + 30)
    spent = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
    answer = Answer(json={"id": "1", "name": "Inbox"}, headers=spent)
    made = clickup({"GET /list/1": answer})
    first = connected()
    assert await made.open(first).list_name("1") == "Inbox"
    with pytest.raises(Deferred):
        hooked = {**first.credentials, "hooks": {"h1": "s1"}}
        await made.open(replace(first, facts={"user_id": "5"}, credentials=hooked)).list_name("1")
    renewed = replace(first, credentials=first.credentials | {"token": "pk_81230001_NEW"})
    assert await made.open(renewed).list_name("1") == "Inbox"


async def test_lists_of_a_folder_that_does_not_bring_them_along_are_asked_for(clickup, connected, payload):
    made = clickup({
        "GET /team/9011012345/space": {"spaces": [{"id": "90110055", "name": "Product"}]},
        "GET /space/90110055/folder": json.loads(payload("get_folders")),
        "GET /folder/90112100/list": json.loads(payload("get_folder_lists")),
        "GET /folder/90112101/list": {"lists": None},
        "GET /space/90110055/list": json.loads(payload("get_folderless_lists")),
    })  # fmt: skip
    lists = await made.open(connected()).lists()
    assert lists == [
        TrackerList(id="901100200301", name="AI Squad Queue", group="Product / Q4"),
        TrackerList(id="901100200300", name="Inbox", group="Product"),
    ]


async def test_a_documented_task_becomes_an_item(clickup, connected, payload):
    made = clickup({"GET /task/86cx1ab2c": json.loads(payload("get_task"))})
    assert await made.open(connected()).fetch_item("86cx1ab2c") == Item(
        id="86cx1ab2c",
        list_id="901100200300",
        list_name="Inbox",
        title="CSV export for invoices",
        description="@AI_Squad please build the CSV export & keep columns <id, total>.\n",
        url="https://app.clickup.com/t/86cx1ab2c",
        status="to do",
        closed=False,
        priority="normal",
        creator=Person("81234567", "Dana Reyes"),
        assignees=("Sam Okafor",),
        tags=("ai_squad",),
        updated_ms=1763800925064,
    )


async def test_a_task_of_nulls_is_still_an_item(clickup, connected):
    keys = "name markdown_description text_content description priority creator assignees tags url date_updated"
    nulls = dict.fromkeys(keys.split())
    task = nulls | {"id": 7, "list": {"id": 8, "name": None}, "status": {"status": "x", "type": "done"}}
    item = await clickup({"GET /task/7": task}).open(connected()).fetch_item("7")
    assert item == Item("7", "8", "", "", "", "https://app.clickup.com/t/7", "x", True, None, Person(""), (), (), 0)


async def test_a_hint_is_read_as_a_change_of_the_task_once_for_each_token(clickup, connected, clock):
    made = clickup({})
    tracker, source = made.open(connected()), made.source
    first, again, second = (tracker.hint("86cx1ab2c", token) for token in ("one", "one", "two"))
    assert source.facts(first.body, first.headers["content-type"], connected()) == [ItemChanged("86cx1ab2c")]
    read = source.read(first)
    assert (read.stream_key, read.occurred_at) == ("clickup:task:86cx1ab2c", clock.now())
    assert read == source.read(again)
    assert read.dedup_key != source.read(second).dedup_key


async def test_closing_closes_old_and_new_clients(clickup, connected):
    made = clickup({"GET /list/1": {"id": "1", "name": "Inbox"}})
    old = made.open(connected())
    new = made.open(connected({"token": "pk_81230001_NEW"}))
    assert await old.list_name("1") == "Inbox"
    await made.aclose()
    for tracker in (old, new):
        with pytest.raises(RuntimeError, match="closed"):
            await tracker.list_name("1")


async def test_a_connection_that_does_not_know_its_user_cannot_be_opened(clickup, connected):
    with pytest.raises(Rejected, match="reconnect"):
        clickup({}).open(connected(facts={}))
