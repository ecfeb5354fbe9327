"""What somebody has to do and to enter to connect Slack."""

from importlib.resources import files

from nexus.integrations import slack
from oblivion_protocol.operating import IntegrationField, IntegrationResource

_HOST = "https://YOUR-HOST"


def manifest(public_url: str) -> str:
    """The app's manifest, with our addresses in it where we have any."""
    text = files(slack).joinpath("manifest.yaml").read_text(encoding="utf-8")
    return text.replace(_HOST, public_url.rstrip("/") or _HOST)


def describe(public_url: str) -> IntegrationResource:
    """Slack, for the page where it is connected."""
    return IntegrationResource(
        vendor="slack",
        role="chat",
        title="Slack",
        summary="One card for each task, and the thread under it in which people and agents talk.",
        steps=[
            "Open https://api.slack.com/apps, choose Create New App, From a manifest, and paste the manifest below.",
            "Choose Install to Workspace, and allow what the app asks for.",
            "Under Event Subscriptions turn on Delayed Events: Slack then repeats for a day what it could not deliver.",
            "Copy the Bot User OAuth Token from OAuth & Permissions, and the Signing Secret from Basic Information.",
            "Connect here first, then save the Request URL in Slack again: Slack checks it with the signing secret.",
            "Invite the app to private channels with /invite @Oblivion; public ones it joins by itself.",
        ],
        fields=[
            IntegrationField(
                name="bot_token",
                label="Bot token",
                secret=True,
                required=True,
                help="OAuth & Permissions, Bot User OAuth Token.",
                placeholder="xoxb-…",
            ),
            IntegrationField(
                name="signing_secret",
                label="Signing secret",
                secret=True,
                required=False,
                help="Basic Information. Proves that events come from Slack; not needed with Socket Mode alone.",
                placeholder="",
            ),
            IntegrationField(
                name="app_token",
                label="App-level token",
                secret=True,
                required=False,
                help="Only behind a firewall (Socket Mode): Basic Information, with the scope connections:write.",
                placeholder="xapp-…",
            ),
            IntegrationField(
                name="app_id",
                label="App ID",
                secret=False,
                required=False,
                help="Basic Information; needed only if Slack does not tell it.",
                placeholder="A0123456789",
            ),
            IntegrationField(
                name="api_url",
                label="API address",
                secret=False,
                required=False,
                help="Only for a test double of Slack; leave it empty otherwise.",
                placeholder="https://slack.com/api/",
            ),
        ],
        docs_url="https://docs.slack.dev/app-manifests/",
        manifest=manifest(public_url),
    )
