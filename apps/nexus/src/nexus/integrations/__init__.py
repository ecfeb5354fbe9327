"""Every vendor that Oblivion knows: each is one folder here with an `integration()` in its `__init__`."""

import importlib
import pkgutil
from collections.abc import Callable
from functools import partial

from nexus.pipeline.ports import Integration


def names() -> list[str]:
    """Of all integrations. A new folder is found by itself; nothing else has to be edited."""
    return [module.name for module in pkgutil.iter_modules(__path__) if module.ispkg]


def discover(answered: Callable[[str, str], None] = lambda _vendor, _status: None) -> dict[str, Integration]:
    """All integrations by name. `answered` is told of every request: whose it was, and what came back."""
    found: dict[str, Integration] = {}
    for name in names():
        integration: Integration = importlib.import_module(f"{__name__}.{name}").integration(partial(answered, name))
        found[integration.name] = integration
    return found
