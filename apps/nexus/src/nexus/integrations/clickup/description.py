"""What somebody has to do and to enter to connect ClickUp."""

from nexus.integrations.clickup.settings import DEFAULT_API_URL
from oblivion_protocol.operating import IntegrationField, IntegrationResource


def describe() -> IntegrationResource:
    """ClickUp, for the page where it is connected."""
    return IntegrationResource(
        vendor="clickup",
        role="tracker",
        title="ClickUp",
        summary="Tasks in which people mention a squad, and their comments. The webhook is registered for you.",
        steps=[
            "Invite a user of its own for Oblivion, such as oblivion@your-company, with access to every space that it "
            "should see. What that user writes is taken for ours, so a person must not share it.",
            "Log in as that user and open Settings, Apps, API token.",
            "Generate the token and copy it; it begins with pk_.",
        ],
        fields=[
            IntegrationField(
                name="token",
                label="API token",
                secret=True,
                required=True,
                help="Of Oblivion's own user: Settings, Apps, API token. An OAuth access token works as well.",
                placeholder="pk_…",
            ),
            IntegrationField(
                name="team_id",
                label="Workspace ID",
                secret=False,
                required=False,
                help="Only if the user is in several: the number behind app.clickup.com/ in the address bar.",
                placeholder="9012345678",
            ),
            IntegrationField(
                name="api_url",
                label="API address",
                secret=False,
                required=False,
                help="Only for a test double of ClickUp; leave it empty otherwise.",
                placeholder=DEFAULT_API_URL,
            ),
        ],
        docs_url="https://developer.clickup.com/docs/authentication",
        manifest=None,
    )
