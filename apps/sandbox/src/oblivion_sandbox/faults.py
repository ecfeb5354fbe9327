"""Faults on demand: which call or delivery goes wrong, and how."""

import random
from fnmatch import fnmatchcase
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from oblivion_sandbox.record import Vendor

INCOMING: frozenset[str] = frozenset(
    {"drop", "delay", "429", "5xx", "accept_then_hang", "accept_then_cut", "accept_late", "reject_error"}
)
OUTGOING: frozenset[str] = frozenset({"drop", "delay", "duplicate", "reorder"})


class FaultRule(BaseModel):
    """One rule. The first rule that matches and whose dice say yes applies.

    `match` is a glob over `Call.method` or `Call.path` for calls to the API, or `webhook` (any event) or
    `webhook:<glob over the event's name>` for what the sandbox sends.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    vendor: Vendor
    match: str = "*"
    fault: Literal[
        "drop",
        "delay",
        "duplicate",
        "reorder",
        "429",
        "5xx",
        "accept_then_hang",
        "accept_then_cut",
        "accept_late",
        "reject_error",
    ]
    token: Literal["bot", "human", "app"] | None = None
    """Only calls made with this kind of token."""
    probability: float = Field(default=1.0, ge=0, le=1)
    count: int | None = Field(default=None, ge=1)
    """How often it applies before it is spent; None = no end."""
    seconds: float = Field(default=1.0, ge=0)
    """Length of a delay, a hang, or a 429's Retry-After; when a late effect happens; longest time a reordered event
    is held back."""
    spread_seconds: float = Field(default=0.0, ge=0)
    """Up to so much is added to `seconds`, by chance."""
    error: str = "fatal_error"
    """Slack error code of `reject_error`."""
    seed: int = 0
    """Of the dice, which are thrown once for each call that matches, in the order of the calls: the n-th call that
    matches always gets the n-th throw, whoever makes it."""

    @property
    def outgoing(self) -> bool:
        """Whether the rule is about what the sandbox sends."""
        return self.match == "webhook" or self.match.startswith("webhook:")

    @model_validator(mode="after")
    def _fault_fits_direction(self) -> Self:
        if self.fault not in (OUTGOING if self.outgoing else INCOMING):
            raise ValueError(f"{self.fault} does not apply to {'webhooks' if self.outgoing else 'calls'}")
        if self.fault == "reject_error" and self.vendor != "slack":
            raise ValueError("reject_error is for slack: it names a Slack error code")
        return self


class ActiveRule:
    """A rule with its dice and how often it has applied."""

    def __init__(self, rule_id: int, rule: FaultRule) -> None:
        self.rule_id = rule_id
        self.rule = rule
        self.applied = 0
        self._dice = random.Random(rule.seed)  # noqa: S311 -- dice that can be thrown again

    def throw(self) -> FaultRule | None:
        """The rule as it applies this time, with `seconds` drawn; None when the dice say no."""
        rule = self.rule
        if rule.count is not None and self.applied >= rule.count:
            return None
        # Both are drawn every time, so that one throw never depends on what came of another.
        chance, share = self._dice.random(), self._dice.random()
        if chance >= rule.probability:
            return None
        self.applied += 1
        if not rule.spread_seconds:
            return rule
        return rule.model_copy(update={"seconds": rule.seconds + share * rule.spread_seconds})


class Faults:
    """The rules in force, in the order they were added."""

    def __init__(self) -> None:
        self.active: list[ActiveRule] = []
        self._last_id = 0

    def add(self, rule: FaultRule) -> ActiveRule:
        """Put a rule in force."""
        self._last_id += 1
        added = ActiveRule(self._last_id, rule)
        self.active.append(added)
        return added

    def remove(self, rule_id: int | None) -> int:
        """Remove one rule, or all; returns how many went."""
        before = len(self.active)
        self.active = [active for active in self.active if rule_id is not None and active.rule_id != rule_id]
        return before - len(self.active)

    def for_call(self, vendor: Vendor, method: str, path: str, token_kind: str) -> FaultRule | None:
        """The fault for an incoming call, if any."""
        for active in self.active:
            rule = active.rule
            fits = fnmatchcase(method, rule.match) or fnmatchcase(path, rule.match)
            if rule.outgoing or rule.vendor != vendor or not fits or rule.token not in (None, token_kind):
                continue
            if (applied := active.throw()) is not None:
                return applied
        return None

    def for_delivery(self, vendor: Vendor, event: str) -> FaultRule | None:
        """The fault for an outgoing event, if any."""
        for active in self.active:
            rule = active.rule
            fits = rule.match == "webhook" or fnmatchcase(f"webhook:{event}", rule.match)
            if not rule.outgoing or rule.vendor != vendor or not fits:
                continue
            if (applied := active.throw()) is not None:
                return applied
        return None
