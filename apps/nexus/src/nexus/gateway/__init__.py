"""Agents' way in: Socket.IO sessions, presence, and the sink that hands them their events."""
