"""Which addresses a fetch may connect to: public ones, and those that the user allows.

A manifest, a page, a playlist or a redirect of a stranger must not make this machine ask its own services, those of its
network or a cloud's metadata server. Names are no help, since whoever owns one decides what it leads to from one moment
to the next; so every connection is looked at when its address is known, whichever library makes it.
"""

import contextlib
import socket
import sys
import urllib.request
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from pipeline.fetched import failed

Network = IPv4Network | IPv6Network
_UNICAST = IPv6Network("2000::/3")  # all that was ever given out of IPv6
_NAT64 = IPv6Network("64:ff9b::/96")  # how a network without IPv4 reaches it; the last 32 bits are the address
_allowed: ContextVar[tuple[Network, ...] | None] = ContextVar("allowed", default=None)
_watched: list[bool] = []


@contextlib.contextmanager
def public_only(allowed: Iterable[Network]) -> Iterator[None]:
    """Within the block this thread connects to public addresses, to ``allowed`` networks and to the user's proxies.

    Any other connection raises a ``FetchError``. Behind a proxy it is the proxy that connects, and that must refuse.
    """
    if not _watched:
        sys.addaudithook(_audit)  # Python's own place for this: it sees the connections of all libraries
        _watched.append(True)
    before = _allowed.set((*allowed, *_proxies()))
    try:
        yield
    finally:
        _allowed.reset(before)


def is_public(address: str) -> bool:
    """Whether an address, as a socket has it, is one of the public internet; what is within a tunnel counts."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        inner = IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else ip.ipv4_mapped or ip.sixtofour
        if inner is None:
            return ip in _UNICAST and ip.is_global and ip.teredo is None
        ip = inner
    return ip.is_global and not ip.is_multicast


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect" or (allowed := _allowed.get()) is None:
        return
    made, address = arguments
    if made.family not in (socket.AF_INET, socket.AF_INET6) or is_public(address[0]):
        return
    ip = ip_address(address[0].partition("%")[0])
    if not any(ip in network for network in allowed):
        raise failed(
            "private_address",
            f"it leads to {ip}, which is no public address; if you trust the source, allow it with "
            f"--Fetch-allowed-networks {ip}",
        )


def _proxies() -> Iterator[Network]:
    for url in urllib.request.getproxies().values():
        host = urlsplit(url if "//" in url else f"//{url}").hostname
        with contextlib.suppress(OSError):
            for *_, address in socket.getaddrinfo(host, None) if host else ():
                yield ip_network(str(address[0]).partition("%")[0])
