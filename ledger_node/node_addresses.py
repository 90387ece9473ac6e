"""Addresses of nodes: which can be one, and what a node is called where people read. Pure."""

import re
from collections import Counter
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

HTTP = ("http", "https")
WEBSOCKET = ("ws", "wss")
NAMELESS = "(invalid address)"
"""What is said instead of an address that cannot be taken apart: any part of it may be a credential."""
_HOST = re.compile(r"[\w.-]+\Z")


def checked_address(url: str, schemes: Sequence[str]) -> str:
    """The address itself, when a node can have it. Raises ValueError that names the rule and nothing of the address."""
    _parts(url, schemes)
    return url


def node_name(url: str) -> str:
    """Scheme, host and port of an address: all else, the path too, may be a credential."""
    try:
        parts = _parts(url, (*HTTP, *WEBSOCKET))
    except ValueError:
        return NAMELESS
    host = parts.hostname or ""
    port = "" if parts.port is None else f":{parts.port}"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def node_names(urls: Sequence[str]) -> tuple[str, ...]:
    """The names of several nodes, in their order; the second of one name has (2) after it, and so on."""
    seen: Counter[str] = Counter()
    names = []
    for name in map(node_name, urls):
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(names)


def _parts(url: str, schemes: Sequence[str]) -> SplitResult:
    if " " in url or not url.isprintable():
        raise ValueError("must hold no space or control character")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("must be an address, its port a number from 1 to 65535") from None
    if parts.scheme not in schemes:
        raise ValueError(f"must begin with {' or '.join(f'{each}://' for each in schemes)}")
    if not _is_host(parts.hostname or "") or port == 0:
        raise ValueError("must name a host, and a port from 1 to 65535 if any")
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":
        # Of a password with a slash, a part would be taken for the host.
        raise ValueError("must write an @ after the host as %40, and a / ? or # before it as %2F %3F %23")
    return parts


def _is_host(host: str) -> bool:
    if ":" not in host:
        return _HOST.match(host) is not None
    try:
        return bool(ip_address(host))
    except ValueError:
        return False
