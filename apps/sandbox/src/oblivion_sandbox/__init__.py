"""A ClickUp and a Slack that run on your machine: strict like the real ones, and as nasty as you ask for."""

from oblivion_sandbox import seed
from oblivion_sandbox.app import create_app
from oblivion_sandbox.faults import FaultRule
from oblivion_sandbox.sandbox import Sandbox
from oblivion_sandbox.serve import Running, running_sandbox
from oblivion_sandbox.settings import Settings

__all__ = ["FaultRule", "Running", "Sandbox", "Settings", "create_app", "running_sandbox", "seed"]
