"""What both vendors share: settings, ids, record, faults, the way out, the news that something changed."""

import secrets
from collections.abc import Callable

from oblivion_sandbox.clickup.state import Comment
from oblivion_sandbox.effects import Ledger
from oblivion_sandbox.faults import Faults
from oblivion_sandbox.ids import IdSource
from oblivion_sandbox.jsontypes import JsonObject
from oblivion_sandbox.net import Reach
from oblivion_sandbox.outgoing import Outgoing
from oblivion_sandbox.record import Recorder
from oblivion_sandbox.settings import Settings


class Core:
    """Given to each part of the sandbox."""

    def __init__(self, settings: Settings, reach: Reach) -> None:
        self.settings = settings
        self.reach = reach
        self.ids = IdSource()
        self.recorder = Recorder()
        self.slack_messages: Ledger[JsonObject] = Ledger(self.recorder.next_n)
        self.clickup_comments: Ledger[Comment] = Ledger(self.recorder.next_n)
        self.faults = Faults()
        self.outgoing = Outgoing(self.faults, self.recorder)
        self.public_base: str | None = None
        """Where people reach the sandbox, such as `http://127.0.0.1:8002`; None until it listens."""
        self.api_base: str | None = None
        """Where programs reach it: the same, unless it was told another; None until it listens."""
        self.run_id = secrets.token_hex(4)
        self.version = 0
        """Grows with every change a person could see."""
        self.on_change: Callable[[], None] = _nothing

    def listens_at(self, url: str) -> None:
        """Call when connections are accepted at this URL."""
        self.public_base = self.reach.public_url or url
        self.api_base = self.reach.api_url or self.public_base

    def changed(self) -> None:
        """Call after every change of state."""
        self.version += 1
        self.on_change()


def _nothing() -> None:
    return
