"""ClickUp's answers, compared with the vendor's samples."""

import httpx

from oblivion_sandbox import seed

LIST = seed.CLICKUP_LIST_INBOX


async def test_hierarchy_has_the_keys_of_the_samples(dana, fixture_json, shape_of):
    pairs = {
        "/user": "get_user",
        "/team": "get_teams",
        f"/team/{seed.CLICKUP_TEAM_ID}/space": "get_spaces",
        f"/space/{seed.CLICKUP_SPACE_ID}/folder": "get_folders",
    }
    for path, fixture in pairs.items():
        answer = (await dana.get(path)).json()
        expected = shape_of(fixture_json(f"clickup/{fixture}"))
        if fixture == "get_folders":
            answer["folders"][0]["lists"] = []
        assert shape_of(answer) == expected, path
    lists = (await dana.get(f"/space/{seed.CLICKUP_SPACE_ID}/list")).json()["lists"]
    assert [each["name"] for each in lists] == ["Inbox", "Website"]
    assert lists[0].keys() == fixture_json("clickup/get_folderless_lists")["lists"][0].keys()
    platform = (await dana.get(f"/folder/{seed.CLICKUP_FOLDER_ID}/list")).json()["lists"]
    assert [each["name"] for each in platform] == ["Reliability"]
    one = (await dana.get(f"/list/{LIST}")).json()
    assert [each["status"] for each in one["statuses"]] == ["to do", "in progress", "in review", "complete"]


async def test_a_task_has_the_keys_of_the_samples_and_markdown_only_on_demand(dana, fixture_json):
    body = {"name": "CSV", "markdown_description": "build **it** & keep `id`", "tags": ["AI_Squad"]}
    made = (await dana.post(f"/list/{LIST}/task", json=body)).json()
    assert made["id"].startswith("86")
    assert len(made["id"]) == 9
    plain = (await dana.get(f"/task/{made['id']}")).json()
    rich = (await dana.get(f"/task/{made['id']}", params={"include_markdown_description": "true"})).json()
    assert plain.keys() == fixture_json("clickup/get_task").keys()
    assert rich.keys() == fixture_json("clickup/get_task_include_markdown_description").keys()
    assert rich["markdown_description"] == "build **it** & keep `id`"
    assert plain["text_content"] == plain["description"] == "build it & keep id\n"
    assert [tag["name"] for tag in plain["tags"]] == ["ai_squad"]
    assert isinstance(plain["date_updated"], str)
    page = (await dana.get(f"/list/{LIST}/task")).json()
    sample = fixture_json("clickup/get_list_tasks_page0")
    assert page.keys() == sample.keys()
    assert page["tasks"][0].keys() == sample["tasks"][0].keys()
    moved = (await dana.put(f"/task/{made['id']}", json={"status": "In Progress"})).json()
    assert moved.keys() == fixture_json("clickup/put_task_status").keys()
    assert moved["status"]["status"] == "in progress"
    assert int(moved["date_updated"]) > int(made["date_updated"])


async def test_errors_are_the_vendors(box, dana, fixture_json):
    async with httpx.AsyncClient(base_url=box.clickup_api_url, trust_env=False) as nobody:
        missing = await nobody.get("/user")
        wrong = await nobody.get("/user", headers={"Authorization": "pk_0_NOBODY"})
        bearer = await nobody.get("/user", headers={"Authorization": f"Bearer {seed.CLICKUP_TOKEN_SAM}"})
    assert (missing.status_code, missing.json()) == (
        401,
        fixture_json("clickup/error_401_authorization_header_required"),
    )
    assert (wrong.status_code, wrong.json()) == (401, fixture_json("clickup/error_401_token_invalid"))
    assert bearer.json()["user"]["username"] == "Sam Okafor"
    for path in (
        "/task/86zzzzzzz",
        "/list/1",
        "/list/1/task",
        "/space/1",
        "/team/1/task",
        "/task/86zzzzzzz/comment",
    ):
        unknown = await dana.get(path)
        assert (unknown.status_code, unknown.json()) == (
            401,
            fixture_json("clickup/error_401_team_not_authorized"),
        )
    bad_status = await dana.post(f"/list/{LIST}/task", json={"name": "x", "status": "nonsense"})
    assert bad_status.status_code == 400
    assert (await dana.post(f"/list/{LIST}/task", json={"name": ""})).status_code == 400
    assert (await dana.post(f"/list/{LIST}/task", content=b"{")).status_code == 400


async def test_the_limit_is_counted_per_token_and_said_in_headers(dana, bot, control, fixture_json):
    await control.post("/settings", json={"clickup_requests_per_minute": 3})
    left = [(await dana.get("/user")).headers["X-RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    refused = await dana.get("/user")
    assert (refused.status_code, refused.json()) == (429, fixture_json("clickup/error_429_rate_limited"))
    assert refused.headers["X-RateLimit-Limit"] == "3"
    assert int(refused.headers["X-RateLimit-Reset"]) > 1_700_000_000
    assert (await bot.get("/user")).status_code == 200


async def test_lists_are_paged_filtered_and_ordered(dana):
    made = [(await dana.post(f"/list/{LIST}/task", json={"name": f"t{n}"})).json() for n in range(101)]
    first = (await dana.get(f"/list/{LIST}/task")).json()
    assert (len(first["tasks"]), first["last_page"]) == (100, False)
    second = (await dana.get(f"/list/{LIST}/task", params={"page": "1"})).json()
    assert (len(second["tasks"]), second["last_page"]) == (1, True)
    await dana.put(f"/task/{made[5]['id']}", json={"status": "complete"})
    after = {"date_updated_gt": made[-1]["date_updated"], "order_by": "updated"}
    query = {**after, "list_ids[]": [LIST, "1"]}
    assert (await dana.get(f"/team/{seed.CLICKUP_TEAM_ID}/task", params=query)).json() == {"tasks": []}
    query["include_closed"] = "true"
    changed = (await dana.get(f"/team/{seed.CLICKUP_TEAM_ID}/task", params=query)).json()
    assert [task["id"] for task in changed["tasks"]] == [made[5]["id"]]
    assert "last_page" not in changed


async def test_comments_are_paged_newest_first(dana, bot, fixture_json, shape_of):
    task = (await dana.post(f"/list/{LIST}/task", json={"name": "x"})).json()["id"]
    for number in range(26):
        await bot.post(f"/task/{task}/comment", json={"comment_text": f"c{number}", "notify_all": False})
    page = (await dana.get(f"/task/{task}/comment")).json()["comments"]
    assert [page[0]["comment_text"], page[-1]["comment_text"], len(page)] == ["c25", "c1", 25]
    last = page[-1]
    older = await dana.get(f"/task/{task}/comment", params={"start": last["date"], "start_id": last["id"]})
    assert [each["comment_text"] for each in older.json()["comments"]] == ["c0"]
    half = await dana.get(f"/task/{task}/comment", params={"start": last["date"]})
    assert len(half.json()["comments"]) == 25
    assert (await dana.post(f"/comment/{last['id']}/reply", json={"comment_text": "re"})).json() == {}
    replies = (await dana.get(f"/comment/{last['id']}/reply")).json()
    assert shape_of(replies) == shape_of(fixture_json("clickup/get_threaded_comments"))
    counted = (await dana.get(f"/task/{task}/comment")).json()
    assert shape_of(counted) == shape_of(fixture_json("clickup/get_task_comments"))
    assert [each["reply_count"] for each in counted["comments"] if each["id"] == last["id"]] == ["1"]
    rich = fixture_json("clickup/post_task_comment_rich.request")
    await bot.post(f"/task/{task}/comment", json=rich)
    newest = (await dana.get(f"/task/{task}/comment")).json()["comments"][0]
    assert newest["comment_text"] == "Dana (Slack): see thread cc @Sam Okafor"
    assert newest["user"]["id"] == seed.CLICKUP_USER_BOT


async def test_an_imported_task_is_returned_as_it_was(dana, control, fixture_json):
    sample = fixture_json("clickup/get_task_include_markdown_description")
    assert (await control.post("/clickup/tasks", json=sample)).status_code == 200
    answer = await dana.get(f"/task/{sample['id']}", params={"include_markdown_description": "true"})
    assert answer.json() == sample
