"""What a run of the sandbox can be told: rate limits and the spacing of retries."""

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Limits and waits, changed at run time by `POST /_control/settings`.

    The defaults let a person try things without being blocked; `clickup_requests_per_minute=100` and
    `slack_post_burst=1` with `slack_tiers=True` are what the vendors enforce.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    clickup_requests_per_minute: int = Field(default=1000, ge=0)
    """Per token and 60 s window; 0 turns the limit and its headers off."""
    clickup_retries: int = Field(default=5, ge=0)
    clickup_retry_base_seconds: float = Field(default=1.0, ge=0)
    """Wait before a webhook's first retry, then doubled. ClickUp documents the count, not the spacing."""
    clickup_timeout_seconds: float = Field(default=7.0, gt=0)
    slack_post_burst: int = Field(default=20, ge=1)
    """Messages a channel takes at once before `slack_post_per_second` applies."""
    slack_post_per_second: float = Field(default=1.0, ge=0)
    """0 turns the limit on chat.postMessage off."""
    slack_tiers: bool = False
    """Whether the per-minute tiers of the other Slack methods apply."""
    slack_retry_seconds: tuple[float, ...] = (0.1, 2.0, 5.0)
    """Waits before each retry of an event. Slack waits about 0 s, 60 s and 300 s."""
    slack_timeout_seconds: float = Field(default=3.0, gt=0)
