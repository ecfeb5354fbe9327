"""Slack's answers, read with slack_sdk and compared with the vendor's samples."""

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from oblivion_sandbox import seed

SQUAD = seed.SLACK_CHANNEL_AI_SQUAD


def section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


async def error_of(call) -> dict[str, object]:
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response.data


async def test_posting_a_card_gives_the_keys_of_the_sample_and_history_the_metadata(slack, fixture_json, shape_of):
    request = fixture_json("slack/chat.postMessage_root.request")
    posted = (await slack.chat_postMessage(**request)).data
    sample = fixture_json("slack/chat.postMessage_ok")
    posted_blocks, sample["message"]["blocks"] = posted["message"].pop("blocks"), []
    assert shape_of(posted | {"message": posted["message"] | {"blocks": []}}) == shape_of(sample)
    assert posted["message"]["metadata"] == request["metadata"]
    assert all(block["block_id"] for block in posted_blocks)
    assert posted_blocks[0]["text"]["emoji"] is True
    page = (await slack.conversations_history(channel=SQUAD, include_all_metadata=True)).data
    assert page.keys() == fixture_json("slack/conversations.history_include_all_metadata").keys()
    assert page["messages"][0]["metadata"] == request["metadata"]
    assert page["messages"][0]["blocks"] == posted_blocks
    bare = (await slack.conversations_history(channel=SQUAD)).data
    assert "metadata" not in bare["messages"][0]


async def test_channel_that_a_person_archives_takes_no_messages_until_it_is_taken_up_again(slack, box):
    async with httpx.AsyncClient(base_url=box.url) as control:
        for archived in (True, False):
            changed = await control.post("/_control/slack/channels", json={"channel": SQUAD, "archived": archived})
            assert changed.json() == {"ok": True}
            if archived:
                assert (await error_of(slack.chat_postMessage(channel=SQUAD, text="x")))["error"] == "is_archived"
        unknown = await control.post("/_control/slack/channels", json={"channel": "C0", "archived": True})
        assert unknown.status_code == 400
    assert (await slack.chat_postMessage(channel=SQUAD, text="x"))["ok"]


async def test_threads_are_read_by_any_of_their_messages(slack, slack_dana, fixture_json, shape_of):
    root = (
        await slack.chat_postMessage(channel=SQUAD, text="root", metadata={"event_type": "x", "event_payload": {}})
    )["ts"]
    replies = [(await slack_dana.chat_postMessage(channel=SQUAD, text=f"r{n}", thread_ts=root))["ts"] for n in range(3)]
    assert sorted(replies) == replies
    found = (await slack.conversations_replies(channel=SQUAD, ts=replies[1], include_all_metadata=True)).data
    assert [each["ts"] for each in found["messages"]] == [root, *replies]
    sample = fixture_json("slack/conversations.replies_with_metadata")
    assert found["messages"][0].keys() == sample["messages"][0].keys()
    assert shape_of(found["messages"][1]) == shape_of(sample["messages"][1])
    assert found["messages"][0]["reply_count"] == 3
    paged = [page["messages"] async for page in await slack.conversations_replies(channel=SQUAD, ts=root, limit=2)]
    assert [[each["ts"] for each in page] for page in paged] == [[root, ts] for ts in replies]
    roots = (await slack.conversations_history(channel=SQUAD))["messages"]
    assert [each["ts"] for each in roots] == [root]
    after = await slack.conversations_history(channel=SQUAD, oldest=root)
    assert after["messages"] == []
    assert (await slack.conversations_history(channel=SQUAD, oldest=root, inclusive=True))["messages"]


REFUSALS = [
    ({"channel": "C0NOWHERE1", "text": "x"}, "channel_not_found"),
    ({"channel": seed.SLACK_CHANNEL_PRIVATE, "text": "x"}, "channel_not_found"),
    ({"channel": seed.SLACK_CHANNEL_WEBSITE, "text": "x"}, "not_in_channel"),
    ({"channel": seed.SLACK_CHANNEL_ARCHIVED, "text": "x"}, "is_archived"),
    ({"channel": SQUAD, "text": " "}, "no_text"),
    ({"channel": SQUAD, "text": "x" * 40_001}, "msg_too_long"),
    ({"channel": SQUAD, "text": "x", "thread_ts": "1700000000.000001"}, "thread_not_found"),
    ({"channel": SQUAD, "text": "x", "metadata": {"event_type": "a"}}, "invalid_metadata_format"),
    (
        {
            "channel": SQUAD,
            "text": "x",
            "metadata": {"event_type": "a", "event_payload": {"b": {"c": 1}}},
        },
        "invalid_metadata_schema",
    ),
    (
        {
            "channel": SQUAD,
            "text": "x",
            "metadata": {"event_type": "a", "event_payload": {"b": "c" * 9000}},
        },
        "metadata_too_large",
    ),
    ({"channel": SQUAD, "text": "x", "blocks": [section("y" * 2700)] * 5}, "msg_blocks_too_long"),
    ({"channel": SQUAD, "text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
]


async def test_what_slack_refuses_to_post(slack):
    for arguments, error in REFUSALS:
        assert (await error_of(slack.chat_postMessage(**arguments)))["error"] == error


BUTTON = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"}


MISTAKES = [
    (
        [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
        "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
    ),
    (
        [{"type": "header", "text": {"type": "plain_text", "text": ""}}],
        "must be more than 0 characters [json-pointer:/blocks/0/text/text]",
    ),
    (
        [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
        "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]",
    ),
    ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    ([{"type": "section"}], "missing required field: text [json-pointer:/blocks/0]"),
    ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
    ([{"type": "banner"}], "unsupported type: banner [json-pointer:/blocks/0/type]"),
    (
        [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}],
        "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
    ),
    (
        [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}],
        "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
    ),
    (
        [{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}],
        "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
    ),
    (
        [{"type": "actions", "elements": [BUTTON | {"action_id": str(n)} for n in range(26)]}],
        "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
    ),
    (
        [{"type": "actions", "elements": [BUTTON | {"value": "x" * 2001}]}],
        "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
    ),
    (
        [{"type": "actions", "elements": [BUTTON | {"text": {"type": "plain_text", "text": "x" * 76}}]}],
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
    ),
    (
        [{"type": "actions", "elements": [BUTTON | {"action_id": "x" * 256}]}],
        "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]",
    ),
    (
        [{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}],
        "block_id already exists: a [json-pointer:/blocks/1/block_id]",
    ),
    (
        [{"type": "divider", "colour": "red"}],
        "invalid additional property: colour [json-pointer:/blocks/0]",
    ),
]


async def test_block_kit_mistakes_are_named_with_a_json_pointer(slack, fixture_json, shape_of):
    for blocks, message in MISTAKES:
        answer = await error_of(slack.chat_postMessage(channel=SQUAD, text="x", blocks=blocks))
        assert shape_of(answer) == shape_of(fixture_json("slack/error_invalid_blocks"))
        assert answer["errors"] == [message]
        assert answer["response_metadata"]["messages"] == [f"[ERROR] {message}"]


async def test_replying_to_a_reply_is_refused(slack):
    root = (await slack.chat_postMessage(channel=SQUAD, text="root"))["ts"]
    reply = (await slack.chat_postMessage(channel=SQUAD, text="reply", thread_ts=root))["ts"]
    answer = await error_of(slack.chat_postMessage(channel=SQUAD, text="x", thread_ts=reply))
    assert answer["error"] == "cannot_reply_to_message"


async def test_only_own_messages_are_edited_and_what_is_left_out_stays(slack, slack_dana, fixture_json, shape_of):
    meta = {"event_type": "x", "event_payload": {"k": "v"}}
    mine = await slack.chat_postMessage(channel=SQUAD, text="a", blocks=[section("card")], metadata=meta)
    answer = (await slack.chat_update(channel=SQUAD, ts=mine["ts"], text="b")).data
    sample = fixture_json("slack/chat.update_ok")
    assert answer.keys() == sample.keys()
    assert sample["message"].keys() <= answer["message"].keys()
    assert answer["message"]["edited"]["user"] == seed.SLACK_BOT_ID
    kept = (await slack.conversations_history(channel=SQUAD, include_all_metadata=True))["messages"][0]
    assert (kept["text"], kept["metadata"], kept["blocks"][0]["text"]["text"]) == ("b", meta, "card")
    refused = await error_of(slack_dana.chat_update(channel=SQUAD, ts=mine["ts"], text="c"))
    assert refused["error"] == "cant_update_message"
    too_long = await error_of(slack.chat_update(channel=SQUAD, ts=mine["ts"], text="x" * 4001))
    assert too_long["error"] == "msg_too_long"
    unknown = await error_of(slack.chat_update(channel=SQUAD, ts="1.000001", text="x"))
    assert unknown["error"] == "message_not_found"
    theirs = (await slack_dana.chat_postMessage(channel=SQUAD, text="hi"))["ts"]
    assert (await error_of(slack.chat_delete(channel=SQUAD, ts=theirs)))["error"] == "cant_delete_message"
    await slack_dana.chat_delete(channel=SQUAD, ts=theirs)
    assert [each["ts"] for each in (await slack.conversations_history(channel=SQUAD))["messages"]] == [mine["ts"]]


async def test_channels_are_listed_as_the_caller_sees_them(slack, slack_dana, fixture_json):
    types = "public_channel,private_channel"
    pages = [page.data async for page in await slack.conversations_list(types=types, exclude_archived=True, limit=1)]
    assert len(pages) == 4  # cut before filtering: two of them are empty
    names = [channel["name"] for page in pages for channel in page["channels"]]
    assert names == ["ai-squad", "website"]
    assert pages[0]["channels"][0].keys() == fixture_json("slack/conversations.list_page1")["channels"][0].keys()
    assert pages[-1]["response_metadata"]["next_cursor"] == ""
    seen = await slack_dana.conversations_list(types=types)
    assert seed.SLACK_CHANNEL_PRIVATE in [channel["id"] for channel in seen["channels"]]
    assert (await error_of(slack.conversations_list(types="nonsense")))["error"] == "invalid_types"
    hidden = await error_of(slack.conversations_info(channel=seed.SLACK_CHANNEL_PRIVATE))
    assert hidden["error"] == "channel_not_found"


async def test_joining_is_for_public_channels_and_twice_is_a_warning(slack, fixture_json, shape_of):
    joined = (await slack.conversations_join(channel=seed.SLACK_CHANNEL_WEBSITE)).data
    assert shape_of(joined) == shape_of(fixture_json("slack/conversations.join_ok"))
    again = (await slack.conversations_join(channel=seed.SLACK_CHANNEL_WEBSITE)).data
    assert shape_of(again) == shape_of(fixture_json("slack/conversations.join_already_in_channel"))
    assert seed.SLACK_BOT_USER in (await slack.conversations_members(channel=seed.SLACK_CHANNEL_WEBSITE))["members"]
    await slack.chat_postMessage(channel=seed.SLACK_CHANNEL_WEBSITE, text="hello")
    archived = await error_of(slack.conversations_join(channel=seed.SLACK_CHANNEL_ARCHIVED))
    assert archived["error"] == "is_archived"


async def test_users_and_identity_have_the_keys_of_the_samples(slack, fixture_json):
    assert (await slack.auth_test()).data.keys() == fixture_json("slack/auth.test_ok").keys()
    person = (await slack.users_info(user=seed.SLACK_USER_DANA))["user"]
    assert person.keys() == fixture_json("slack/users.info_ok")["user"].keys()
    assert person["profile"].keys() == fixture_json("slack/users.info_ok")["user"]["profile"].keys()
    robot = (await slack.users_info(user=seed.SLACK_BOT_USER))["user"]
    assert robot["profile"].keys() == fixture_json("slack/users.info_bot_ok")["user"]["profile"].keys()
    assert (await slack.users_info(user=seed.SLACK_USER_SAM))["user"]["profile"]["display_name"] == ""
    assert (await error_of(slack.users_info(user="U404")))["error"] == "user_not_found"
    assert len((await slack.users_list())["members"]) == 3


async def test_tokens_open_only_their_own_doors(box, slack, fixture_json):
    def client(token: str | None) -> AsyncWebClient:
        return AsyncWebClient(token, base_url=box.slack_api_url, retry_handlers=[])

    assert (await error_of(client("xoxb-nobody").auth_test())) == fixture_json("slack/error_invalid_auth")
    assert (await error_of(client(None).auth_test()))["error"] == "not_authed"
    app = client(seed.SLACK_APP_TOKEN)
    assert (await error_of(app.chat_postMessage(channel=SQUAD, text="x")))["error"] == "not_allowed_token_type"
    refused = await error_of(slack.apps_connections_open(app_token=seed.SLACK_BOT_TOKEN))
    assert refused["error"] == "not_allowed_token_type"
    assert (await error_of(slack.api_call("chat.nonsense")))["error"] == "unknown_method"


async def test_a_form_is_as_good_as_json(box):
    form = {
        "token": seed.SLACK_BOT_TOKEN,
        "channel": SQUAD,
        "text": "a=b&c",
        "blocks": '[{"type":"divider"}]',
    }
    async with httpx.AsyncClient(base_url=box.slack_api_url, trust_env=False) as client:
        answer = (await client.post("chat.postMessage", data=form)).json()
    assert answer["message"]["text"] == "a=b&c"
    assert answer["message"]["blocks"][0]["type"] == "divider"


async def test_posting_too_fast_is_a_429_with_retry_after(slack, control, fixture_json):
    await control.post("/settings", json={"slack_post_burst": 1})
    await slack.chat_postMessage(channel=SQUAD, text="one")
    with pytest.raises(SlackApiError) as caught:
        await slack.chat_postMessage(channel=SQUAD, text="two")
    response = caught.value.response
    assert (response.status_code, response.headers["Retry-After"]) == (429, "1")
    assert response.data == fixture_json("slack/error_ratelimited_429")
    await control.post("/settings", json={"slack_tiers": True})
    for _ in range(20):
        await slack.users_list()
    assert (await error_of(slack.users_list()))["error"] == "ratelimited"


async def test_reactions_permalinks_status_and_ephemerals(slack, slack_dana, box):
    ts = (await slack.chat_postMessage(channel=SQUAD, text="root"))["ts"]
    await slack_dana.reactions_add(channel=SQUAD, timestamp=ts, name="clipboard")
    twice = await error_of(slack_dana.reactions_add(channel=SQUAD, timestamp=ts, name="clipboard"))
    assert twice["error"] == "already_reacted"
    shown = await slack.reactions_get(channel=SQUAD, timestamp=ts)
    assert shown["message"]["reactions"] == [{"name": "clipboard", "users": [seed.SLACK_USER_DANA], "count": 1}]
    link = (await slack.chat_getPermalink(channel=SQUAD, message_ts=ts))["permalink"]
    assert link == f"{box.url}/archives/{SQUAD}/p{ts.replace('.', '')}"
    await slack.assistant_threads_setStatus(channel_id=SQUAD, thread_ts=ts, status="is thinking…")
    assert box.sandbox.slack.state.statuses == {f"{SQUAD}/{ts}": "is thinking…"}
    await slack.chat_postMessage(channel=SQUAD, text="done", thread_ts=ts)
    assert box.sandbox.slack.state.statuses == {}
    assert (await slack.chat_postEphemeral(channel=SQUAD, user=seed.SLACK_USER_DANA, text="psst"))["message_ts"]
    assert len((await slack.conversations_history(channel=SQUAD))["messages"]) == 1
