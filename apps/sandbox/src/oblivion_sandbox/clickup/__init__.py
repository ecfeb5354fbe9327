"""ClickUp API v2, as far as Oblivion needs it."""
