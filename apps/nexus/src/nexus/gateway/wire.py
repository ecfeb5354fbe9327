"""Socket.IO packets as we take them: JSON only, so that the limit of one message is the limit of all of it."""

from typing import Any, cast

import orjson
from socketio import packet


class Json:
    """python-socketio's JSON port, on orjson."""

    @staticmethod
    def dumps(value: Any, **_options: Any) -> str:
        """Text of a value."""
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(value: str | bytes, **_options: Any) -> Any:
        """Value of a text."""
        return orjson.loads(value)


class JsonPacket(packet.Packet):
    """A packet without binary attachments; one that announces some breaks the protocol and has no effect."""

    uses_binary_events = False

    def decode(self, encoded_packet: Any) -> int:
        """Reads one packet. Raises ValueError, upon which the packet has no effect."""
        attachments: int = super().decode(encoded_packet)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        kind = cast("int", self.packet_type)  # pyright: ignore[reportUnknownMemberType]
        if attachments or kind in (packet.BINARY_EVENT, packet.BINARY_ACK):
            raise ValueError("binary messages are not part of this protocol")
        return 0
