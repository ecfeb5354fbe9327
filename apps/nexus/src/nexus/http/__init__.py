"""The HTTP API: one module per resource, `access` for permissions, `problems` for everything that goes wrong."""
