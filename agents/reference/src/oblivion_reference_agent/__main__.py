"""`python -m oblivion_reference_agent`: runs until SIGTERM. Exits with 78 when a setting is wrong."""

import logging
import os
import sys

from oblivion import ConfigurationError
from oblivion_reference_agent.agent import build_agent
from oblivion_reference_agent.masking import Masker, log_to_stderr
from oblivion_reference_agent.settings import Settings, read_settings
from oblivion_reference_agent.tracing import Tracing

log = logging.getLogger("oblivion.reference")

EXIT_CONFIGURATION = 78


def main() -> None:
    """The whole life of the process."""
    try:
        settings = read_settings(os.environ)
    except ConfigurationError as error:
        log_to_stderr(Masker(()))
        log.error("agent.misconfigured %s", error)
        sys.exit(EXIT_CONFIGURATION)
    masker = Masker(settings.secrets)
    log_to_stderr(masker)
    _say_what_is_missing(settings)
    tracing = Tracing(settings, masker)
    try:
        build_agent(settings, tracing).run()
    finally:
        tracing.close()


def _say_what_is_missing(settings: Settings) -> None:
    if settings.offline:
        log.info("model.offline: neither OPENAI_API_KEY nor OPENAI_BASE_URL is set; answers are made without a model")
    if not settings.github_token:
        log.info("github.off: GITHUB_TOKEN is not set")


if __name__ == "__main__":
    main()
