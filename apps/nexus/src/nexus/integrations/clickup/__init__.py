"""ClickUp: a tracker. Everything that Oblivion knows about ClickUp is in this folder."""

from nexus.integrations.clickup.integration import ClickUpIntegration
from nexus.pipeline.ports import Answered, Integration, uncounted


def integration(answered: Answered = uncounted) -> Integration:
    """The ClickUp integration, with the machine's clock and its own HTTP pools."""
    return ClickUpIntegration(answered=answered)
