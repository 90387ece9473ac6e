"""Where a webhook may lead: public addresses by https, unless the settings of this process allow more. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

MAX_URL = 500
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+", re.IGNORECASE)
_TRANSLATED = tuple(IPv6Network(each) for each in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
"""IPv6 addresses that stand for IPv4 ones (RFC 6052, 3056, 4380): what they lead to is not seen in them."""


class TargetRefused(ValueError):
    """A webhook may not lead there; the text is the rule."""


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook's address in its parts. `path` has the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as the Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"https": 443, "http": 80}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"

    def at(self, address: Address) -> str:
        """The URL that reaches this target at one address of its host."""
        host = f"[{address}]" if address.version == 6 else str(address)
        return f"{self.scheme}://{host}:{self.port}{self.path}"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the settings allow beside public addresses by https."""

    loopback_http: bool = False
    networks: Sequence[Network] = ()

    def read(self, url: str) -> Target:
        """The target of a URL. Raises TargetRefused."""
        parts, port = _split(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and self.loopback_http):
            raise TargetRefused("must begin with https://")
        host = (parts.hostname or "").rstrip(".")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        target = Target(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), path)
        literal = _literal(host)
        if literal is not None:
            self.check(target, literal)
        elif not _NAME.fullmatch(host) and not (host == "localhost" and self.loopback_http):
            raise TargetRefused("must name a host that the world knows")
        return target

    def check(self, target: Target, address: Address) -> None:
        """Raises TargetRefused for an address that a webhook may not be sent to."""
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if address.is_loopback and self.loopback_http:
            return
        if target.scheme == "http":
            raise TargetRefused("must begin with https://")
        if any(address.version == network.version and address in network for network in self.networks):
            return
        public = address.is_global and not address.is_multicast and not address.is_reserved
        if not public or any(address.version == 6 and address in network for network in _TRANSLATED):
            raise TargetRefused("must lead to a public address")


def _split(url: str) -> tuple[SplitResult, int | None]:
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise TargetRefused(f"must have at most {MAX_URL} printable ASCII characters without spaces")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise TargetRefused("is no URL") from None
    if "@" in parts.netloc or "\\" in url or "#" in url:
        raise TargetRefused("must have neither credentials nor a fragment")
    return parts, port


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        pass
    last = host.rpartition(".")[2].lower()
    if last.isdigit() or last.startswith("0x"):
        raise TargetRefused("must write its address in the usual form")
    return None
