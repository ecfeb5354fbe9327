"""Is everything right at Slack: the bot's token, its channels, and the way that events come."""

from nexus.integrations.slack.answers import AuthTest, Channels, SocketAddress
from nexus.integrations.slack.client import Connect, SlackClient
from nexus.integrations.slack.payloads import Credentials, Identity
from nexus.pipeline.errors import Rejected, Unsure
from oblivion_protocol.operating import Check


async def examine(
    client: SlackClient, given: Credentials, us: Identity, public_url: str, connect: Connect
) -> list[Check]:
    """Asks Slack, and changes nothing there. Raises Retryable or Deferred when it does not answer."""
    try:
        who = await client.read("auth.test", AuthTest)
    except Rejected as refused:
        return [
            Check(name="Bot token", state="failed", detail=refused.reason, hint="Enter the token of the app again.")
        ]
    checks = [Check(name="Bot token", state="ok", detail=f"Works in {who.team}.")]
    try:
        types = "public_channel,private_channel"
        await client.read("conversations.list", Channels, types=types, exclude_archived=True, limit=1)
        checks.append(Check(name="Channels", state="ok", detail="The app can see channels."))
    except Rejected as refused:
        hint = "Install the app again from the manifest, so that it has every permission."
        checks.append(Check(name="Channels", state="failed", detail=refused.reason, hint=hint))
    return [*checks, await _events(given, us, public_url, connect)]


async def _events(given: Credentials, us: Identity, public_url: str, connect: Connect) -> Check:
    if given.app_token:
        try:
            await try_app_token(given, connect)
        except (Rejected, Unsure) as error:
            return Check(name="Events", state="failed", detail=error.reason, hint="Enter the app-level token again.")
        return Check(name="Events", state="ok", detail="Come over Socket Mode.")
    if not given.signing_secret:
        hint = "Enter the signing secret, or an app-level token for Socket Mode."
        return Check(name="Events", state="failed", detail="Nothing that Slack sends could be verified.", hint=hint)
    if not public_url.startswith("https://"):
        detail = f"Slack sends events to https addresses only, and ours is {public_url or 'not set'}."
        hint = "Set OBLIVION_PUBLIC_URL, or use Socket Mode."
        return Check(name="Events", state="warning", detail=detail, hint=hint)
    detail = f"Slack has to send them to {public_url.rstrip('/')}/webhooks/slack, for the app {us.app_id}."
    return Check(name="Events", state="ok", detail=detail)


async def try_app_token(given: Credentials, connect: Connect) -> None:
    """Raises Rejected when Socket Mode does not work with it."""
    client = connect(given.app_token, given.api_url)
    try:
        await client.write("apps.connections.open", SocketAddress)
    except Rejected as refused:
        raise Rejected(f"Socket Mode does not work with this app-level token. {refused.reason}") from None
    finally:
        await client.aclose()
