"""Slack: the chat. See README.md for the app's manifest and the credentials."""

from nexus.integrations.slack.integration import SlackIntegration
from nexus.pipeline.ports import Integration


def integration() -> Integration:
    """The integration, as `nexus.integrations` discovers it."""
    return SlackIntegration()
