"""Socket.IO packets as we take them: JSON only, so that the limit of one message is the limit of all of it."""

import re
from dataclasses import dataclass
from typing import Any

import orjson
from socketio import packet

from oblivion_protocol import MAX_MESSAGE_BYTES

_EVENT = re.compile(r'2(?P<namespace>/[^,]{0,100}),(?P<id>\d{1,18})?\["(?P<name>[a-z.]{1,64})"')
"""The beginning of an event: type, namespace, acknowledgement, name."""


@dataclass(frozen=True, slots=True)
class TooLarge:
    """Stands for what a message held that is over the limit, and was not read."""

    characters: int


class Json:
    """python-socketio's JSON port, on orjson."""

    @staticmethod
    def dumps(value: Any, **_options: Any) -> str:
        """Text of a value."""
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(value: str | bytes, **_options: Any) -> Any:
        """Value of a text. NUL, which no column of ours can hold, becomes the sign for what cannot be shown."""
        if isinstance(value, str) and "\\u0000" in value:
            value = value.replace("\\u0000", "\\ufffd")
        return orjson.loads(value)


class JsonPacket(packet.Packet):
    """A packet without binary attachments; one that announces some breaks the protocol and has no effect."""

    uses_binary_events = False

    def decode(self, encoded_packet: Any) -> int:
        """Reads one packet. Raises ValueError, upon which the packet has no effect."""
        if _size_bytes(encoded_packet) > MAX_MESSAGE_BYTES:
            return self._decode_too_large(encoded_packet)
        attachments: int = super().decode(encoded_packet)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        kind = self.packet_type  # pyright: ignore[reportUnknownMemberType]
        if attachments or kind in (packet.BINARY_EVENT, packet.BINARY_ACK):
            raise ValueError("binary messages are not part of this protocol")
        return 0

    def _decode_too_large(self, encoded_packet: str) -> int:
        """Reads only what it takes to refuse a message of ours: its name and which answer is waited for."""
        found = _EVENT.match(encoded_packet)
        if found is None:
            raise ValueError("a packet over the limit")
        self.packet_type = packet.EVENT
        self.namespace = found["namespace"]
        self.id = int(found["id"]) if found["id"] else None
        self.data = [found["name"], TooLarge(len(encoded_packet))]
        return 0


def _size_bytes(encoded_packet: str) -> int:
    """Of the whole message: Engine.IO's type stood before what we are given. Short ones need no exact answer."""
    characters = len(encoded_packet) + 1
    return characters if characters * 4 <= MAX_MESSAGE_BYTES else len(encoded_packet.encode(errors="replace")) + 1
