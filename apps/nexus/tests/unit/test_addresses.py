"""Whose address counts: what a proxy of ours says, and nothing that a stranger writes."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.http.limits import address_of

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "believed"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # whoever comes past the proxies says nothing of itself
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1, 10.2.3.4", "198.51.100.1"),
        ("10.0.0.1", "10.9.9.9,198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8:1:2:3:4:5:6]:4711", "2001:db8:1:2::/64"),
        ("fd00::7", "2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "10.3.3.3", "10.3.3.3"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1,", "10.0.0.1"),
        ("", "198.51.100.1", ""),
    ],
)
def test_the_right_most_hop_that_is_no_proxy_of_ours_counts(peer: str, forwarded: str, believed: str) -> None:
    assert address_of(peer, forwarded, PROXIES) == believed


def test_with_no_proxies_nobody_is_believed() -> None:
    assert address_of("10.0.0.1", "198.51.100.1", []) == "10.0.0.1"


@given(st.text(max_size=100))
def test_nothing_that_a_stranger_writes_changes_the_address(written: str) -> None:
    assert address_of("203.0.113.9", written, PROXIES) == "203.0.113.9"
    assert address_of("10.0.0.1", f"{written},198.51.100.1", PROXIES) == "198.51.100.1"
