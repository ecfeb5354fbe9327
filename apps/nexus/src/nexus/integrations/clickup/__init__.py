"""ClickUp: a tracker. Everything that Oblivion knows about ClickUp is in this folder."""

from nexus.integrations.clickup.integration import ClickUpIntegration
from nexus.pipeline.ports import Integration


def integration() -> Integration:
    """The ClickUp integration, with the machine's clock and its own HTTP pools."""
    return ClickUpIntegration()
