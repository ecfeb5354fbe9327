"""GitHub's REST API with the agent's own token: is the token good, and the write that people approved."""

import logging
from datetime import datetime, timedelta
from typing import Any

import httpx

from oblivion import Fatal, Retryable
from oblivion_reference_agent.proposal import Proposal, marker
from oblivion_reference_agent.settings import Settings

log = logging.getLogger("oblivion.reference")

CLOCK_SKEW = timedelta(minutes=10)
MAX_PAGES = 20
TIMEOUT_SECONDS = 20.0

LOGIN_REFUSED = (
    "GitHub refuses this agent's token (401 Bad credentials). Make a new token for the agent, set it as GITHUB_TOKEN "
    "where the agent runs, restart the agent, then start this task again. Nothing was written."
)


class GitHub:
    """One client a task. Follows no redirect: the token goes to `github_api_url` and nowhere else."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http = httpx.AsyncClient(
            base_url=settings.github_api_url,
            timeout=TIMEOUT_SECONDS,
            # No proxy credentials, no netrc: nothing but this token identifies the agent.
            trust_env=False,
            headers={
                "Authorization": f"Bearer {settings.github_token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                "User-Agent": "oblivion-reference-agent",
            },
        )

    async def __aenter__(self) -> "GitHub":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def check_token(self) -> None:
        """Raises `Fatal` with what to do when GitHub does not know the token. Costs nothing of the rate limit."""
        await self._request("GET", "/rate_limit", tolerated=(403, 404))

    async def open_issue_once(self, proposal: Proposal, task_id: str, proposed_at: datetime) -> str:
        """The address of the issue; an earlier attempt's, if there was one.

        Raises `Fatal` when GitHub refuses, `Retryable` when it cannot be known whether the issue exists.
        """
        self.must_allow(proposal.repository)
        path = f"/repos/{proposal.repository}/issues"
        if found := await self._find(path, marker(task_id), proposed_at - CLOCK_SKEW):
            log.info("issue.found task=%s", task_id)
            return found
        body = f"{proposal.body}\n\n{marker(task_id)}"
        answer = await self._request("POST", path, json={"title": proposal.title, "body": body})
        log.info("issue.opened task=%s", task_id)
        return str(answer.json()["html_url"])

    def must_allow(self, repository: str) -> None:
        """Raises `Fatal` when this repository is not among the agent's."""
        allowed = self._settings.github_repositories
        if allowed and repository.lower() not in allowed:
            raise Fatal(f"This agent may not touch {repository}; GITHUB_REPOSITORIES does not name it.")

    async def _find(self, path: str, wanted: str, since: datetime) -> str | None:
        query = {"state": "all", "since": since.strftime("%Y-%m-%dT%H:%M:%SZ"), "per_page": "100", "sort": "created"}
        for page in range(1, MAX_PAGES + 1):
            answer = await self._request("GET", path, params={**query, "page": str(page)})
            issues: list[dict[str, Any]] = answer.json()
            for issue in issues:
                if wanted in (issue.get("body") or ""):
                    return str(issue["html_url"])
            if len(issues) < int(query["per_page"]):
                return None
        raise Fatal(f"Too much changed in {path} to tell whether the issue was opened already; please look there.")

    async def _request(
        self,
        method: str,
        path: str,
        *,
        tolerated: tuple[int, ...] = (),
        params: dict[str, str] | None = None,
        json: dict[str, str] | None = None,
    ) -> httpx.Response:
        try:
            answer = await self._http.request(method, path, params=params, json=json)
        except httpx.HTTPError as error:
            raise Retryable(f"GitHub could not be reached ({type(error).__name__}).") from error
        status = answer.status_code
        if status == 401:
            raise Fatal(LOGIN_REFUSED)
        if status < 300 or status in tolerated:
            return answer
        limited = status == 429 or (status == 403 and answer.headers.get("x-ratelimit-remaining") == "0")
        if status >= 500 or limited or "retry-after" in answer.headers:
            raise Retryable(f"GitHub answered {status} to {method} {path}.")
        raise Fatal(f"GitHub answered {status} to {method} {path}: {_message(answer)}. Check what the token may do.")


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])[:300]
    except (ValueError, KeyError, TypeError):
        return "no reason given"
