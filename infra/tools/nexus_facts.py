"""Prints, as JSON, what a chart must know of Nexus. Runs in the environment where Nexus is installed."""

import json

from nexus.cli.serve import GRACE_SECONDS
from nexus.http.app import create_routes
from nexus.kit.telemetry import CLOSE_SECONDS, VARIABLES
from nexus.settings import PREFIX, Settings
from nexus.worker import DRAIN_SECONDS, GIVE_BACK_SECONDS

print(
    json.dumps(
        {
            "variables": [*(f"{PREFIX}{name.upper()}" for name in Settings.model_fields), *VARIABLES],
            "routes": sorted(create_routes("0").openapi()["paths"]),
            "gateway_grace_seconds": GRACE_SECONDS + CLOSE_SECONDS,
            "worker_grace_seconds": DRAIN_SECONDS + 2 * GIVE_BACK_SECONDS + CLOSE_SECONDS,
        }
    )
)
