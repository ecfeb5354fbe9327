"""A GitHub on this machine: all that the official MCP server and the agent's own client ask for."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

README = "# Shop\nExports orders as CSV.\n"
COMMIT = "3d21ec53a331a6f037a91c368710b99387d012c1"
BLOB = hashlib.sha1(f"blob {len(README)}\0{README}".encode()).hexdigest()
"""As git names a file's contents; the official server checks it."""


@dataclass
class Seen:
    method: str
    path: str
    authorization: str
    agent: str
    body: Any


@dataclass
class FakeGitHub:
    """Knows one repository, `acme/shop`, and the tokens in `tokens`."""

    tokens: set[str]
    url: str = ""
    seen: list[Seen] = field(default_factory=list[Seen])
    issues: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    before_issue: Callable[[], None] | None = None
    """Called when the write has arrived; nothing comes of it."""
    after_issue: Callable[[], None] | None = None
    """Called when the issue exists and the answer has not been sent."""
    issue_status: int = 201

    @property
    def authorizations(self) -> set[str]:
        return {one.authorization for one in self.seen}

    def posted(self) -> list[Seen]:
        return [one for one in self.seen if one.method == "POST" and one.path.endswith("/issues")]

    def answer(self, one: Seen) -> tuple[int, Any]:
        if one.authorization.removeprefix("Bearer ").removeprefix("token ") not in self.tokens:
            return 401, {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"}
        path = one.path.split("?")[0].removeprefix("/api/v3").removeprefix("/api")
        match one.method, path.rstrip("/"):
            case "POST", "/graphql":
                return 200, self._graphql(one.body)
            case "GET" | "HEAD", "" | "/rate_limit":
                return 200, {"resources": {}}
            case "GET", "/repos/acme/shop":
                return 200, {"full_name": "acme/shop", "default_branch": "main", "private": False}
            case "GET", "/repos/acme/shop/git/ref/heads/main":
                return 200, {"ref": "refs/heads/main", "object": {"sha": COMMIT, "type": "commit"}}
            case "GET", "/repos/acme/shop/contents/README.md":
                text = base64.b64encode(README.encode()).decode()
                return 200, {
                    "type": "file", "name": "README.md", "path": "README.md", "sha": BLOB, "size": len(README),
                    "encoding": "base64", "content": text,
                }  # fmt: skip
            case "GET", path if path == f"/repos/acme/shop/git/blobs/{BLOB}":
                text = base64.b64encode(README.encode()).decode()
                return 200, {"sha": BLOB, "size": len(README), "encoding": "base64", "content": text}
            case "GET", "/repos/acme/shop/issues":
                return 200, self.issues
            case "POST", "/repos/acme/shop/issues":
                return self._open_issue(one.body)
            case _:
                return 404, {"message": "Not Found"}

    def _open_issue(self, body: Any) -> tuple[int, Any]:
        if self.before_issue is not None:
            self.before_issue()
            return 503, {}
        if self.issue_status != 201:
            return self.issue_status, {"message": "Resource not accessible by personal access token"}
        number = len(self.issues) + 1
        issue = {**body, "number": number, "html_url": f"https://github.example/acme/shop/issues/{number}"}
        self.issues.append(issue)
        if self.after_issue is not None:
            self.after_issue()
        return 201, issue

    def _graphql(self, _body: Any) -> Any:
        issue: dict[str, Any] = {
            "number": 7, "title": "Export is slow", "body": "", "state": "OPEN", "databaseId": 7,
            "author": {"login": "dana"}, "createdAt": "2026-11-01T00:00:00Z", "updatedAt": "2026-11-01T00:00:00Z",
            "labels": {"nodes": []}, "comments": {"totalCount": 0},
        }  # fmt: skip
        page = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": "", "endCursor": ""}
        issues = {"nodes": [issue], "pageInfo": page, "totalCount": 1}
        return {"data": {"repository": {"issues": issues, "isPrivate": False}}}


def _handler(github: FakeGitHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            one = Seen(
                self.command, self.path, self.headers.get("authorization", ""), self.headers.get("user-agent", ""),
                json.loads(raw) if raw else None,
            )  # fmt: skip
            github.seen.append(one)
            status, answer = github.answer(one)
            body = json.dumps(answer).encode()
            try:
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)
            except ConnectionError:
                self.close_connection = True

        do_GET = do_POST = do_HEAD = do_PATCH = do_PUT = do_DELETE = handle_any  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: tests kill those who ask."""


@contextmanager
def running_github(*tokens: str) -> Generator[FakeGitHub]:
    github = FakeGitHub(set(tokens))
    server = _Server(("127.0.0.1", 0), _handler(github))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    github.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


MARKER = re.compile(r"<!-- oblivion-task: (\S+) -->")
