"""Slack's Web API, Events API, interactivity and Socket Mode, as far as Oblivion needs them."""
