"""The sandbox: both vendors, and the snapshot that lets them survive a restart."""

import asyncio
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from oblivion_sandbox import seed
from oblivion_sandbox.clickup.service import ClickUp
from oblivion_sandbox.clickup.state import ClickUpState
from oblivion_sandbox.core import Core
from oblivion_sandbox.net import Reach
from oblivion_sandbox.settings import Settings
from oblivion_sandbox.slack.service import Slack
from oblivion_sandbox.slack.state import SlackState

SNAPSHOT_NAME: Final = "sandbox.json"
SNAPSHOT_DELAY_SECONDS: Final = 0.2


class Snapshot(BaseModel):
    """What is kept in the data directory. The record, faults and deliveries under way are not."""

    settings: Settings
    clickup: ClickUpState
    slack: SlackState


class Sandbox:
    """The state of one run. Give it to `create_app`.

    `data_dir` keeps the state across restarts; without it everything lives in memory. `reach` is for a sandbox whose
    hub is on another machine; by default neither can be.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        data_dir: Path | None = None,
        slack_signing_secret: str = seed.SLACK_SIGNING_SECRET,
        reach: Reach | None = None,
    ) -> None:
        self._first_settings = settings or Settings()
        self.signing_secret = slack_signing_secret
        self._path = None if data_dir is None else data_dir / SNAPSHOT_NAME
        self._saving: asyncio.TimerHandle | None = None
        snapshot = self._load()
        self.core = Core(snapshot.settings, reach or Reach())
        self.core.on_change = self._save_soon
        self.clickup = ClickUp.over(self.core, snapshot.clickup)
        self.slack = Slack.over(self.core, snapshot.slack, self.signing_secret)

    async def reset(self) -> None:
        """Back to the seeded world and the settings of the start; record and faults are emptied."""
        await self.slack.sockets.disconnect("refresh_requested")
        self.core.outgoing.forget()
        self.core.settings = self._first_settings
        self.core.recorder.clear()
        self.core.slack_messages.clear()
        self.core.clickup_comments.clear()
        self.core.faults.remove(None)
        self.clickup = ClickUp.over(self.core, ClickUpState())
        self.slack = Slack.over(self.core, SlackState(), self.signing_secret)
        self.core.changed()

    async def close(self) -> None:
        """Stop deliveries and write the last snapshot."""
        await self.slack.sockets.disconnect("refresh_requested")
        await self.core.outgoing.close()
        if self._saving is not None:
            self._saving.cancel()
            self._save()

    def _load(self) -> Snapshot:
        if self._path is None or not self._path.exists():
            return Snapshot(settings=self._first_settings, clickup=ClickUpState(), slack=SlackState())
        return Snapshot.model_validate_json(self._path.read_bytes())

    def _save_soon(self) -> None:
        if self._path is not None and self._saving is None:
            self._saving = asyncio.get_running_loop().call_later(SNAPSHOT_DELAY_SECONDS, self._save)

    def _save(self) -> None:
        self._saving = None
        if self._path is None:
            return
        snapshot = Snapshot(settings=self.core.settings, clickup=self.clickup.state, slack=self.slack.state)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".tmp")
        fresh.write_text(snapshot.model_dump_json())
        fresh.replace(self._path)
