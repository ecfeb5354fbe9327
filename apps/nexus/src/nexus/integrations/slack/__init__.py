"""Slack: the chat. See README.md for the app's manifest and the credentials."""

from nexus.integrations.slack.integration import SlackIntegration
from nexus.pipeline.ports import Answered, Integration, uncounted


def integration(answered: Answered = uncounted) -> Integration:
    """The integration, as `nexus.integrations` discovers it."""
    return SlackIntegration(answered)
