"""Every vendor that Oblivion knows: each is one folder here with an `integration()` in its `__init__`."""

import importlib
import pkgutil

from nexus.pipeline.ports import Integration


def discover() -> dict[str, Integration]:
    """All integrations by name. A new folder is found by itself; nothing else has to be edited."""
    found: dict[str, Integration] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.ispkg:
            integration: Integration = importlib.import_module(f"{__name__}.{module.name}").integration()
            found[integration.name] = integration
    return found
