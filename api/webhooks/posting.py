"""One attempt: the message signed (Standard Webhooks), sent to an address that was checked, bounded in time and size.

The connection goes to the very address that was checked, so that no second look-up can lead elsewhere; redirects are
not followed, proxies not used, and nothing of the answer is read but its status and Retry-After.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from socket import SOCK_STREAM

import httpx
from standardwebhooks.webhooks import Webhook as Signature

from api.webhooks.deliveries import Attempt
from api.webhooks.targets import Address, Policy, Target, TargetRefused

MOST_ADDRESSES = 3
# Its lines hold whole addresses, and a webhook's may hold what only sender and receiver know.
logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: the delivery's identifier, its body, and the secrets that sign it."""

    id: str
    body: str
    secrets: Sequence[str]


@dataclass(frozen=True, slots=True)
class Post:
    """Sends messages where the policy lets them go; `timeout` in seconds covers look-up, connection and answer."""

    policy: Policy
    timeout: float
    trusted: ssl.SSLContext

    async def send(self, url: str, message: Message, now_ms: int) -> Attempt:
        """What became of one sending; never raises for what is the receiver's fault."""
        began = time.monotonic()
        status, asked, cause = None, None, ""
        try:
            async with asyncio.timeout(self.timeout):
                status, asked = await self._send(self.policy.read(url), message, now_ms)
        except TimeoutError:
            cause = "timeout"
        except TargetRefused:
            cause = "address-refused"
        except OSError:
            cause = "unknown-host"
        except httpx.TimeoutException:
            cause = "timeout"
        except httpx.ConnectError as error:
            cause = "tls-failed" if isinstance(_root(error), ssl.SSLError) else "not-reached"
        except (httpx.HTTPError, httpx.InvalidURL):
            cause = "no-answer"
        return Attempt(now_ms, status, cause, round((time.monotonic() - began) * 1000), asked)

    async def _send(self, target: Target, message: Message, now_ms: int) -> tuple[int, int | None]:
        addresses = (await self._addresses(target))[:MOST_ADDRESSES]
        for address in addresses[:-1]:
            try:
                return await self._post(target, address, message, now_ms)
            except httpx.ConnectError:
                continue
        return await self._post(target, addresses[-1], message, now_ms)

    async def _addresses(self, target: Target) -> list[Address]:
        """The addresses of the target's host, all of them allowed. Raises TargetRefused, OSError."""
        found = await asyncio.get_running_loop().getaddrinfo(target.host, target.port, type=SOCK_STREAM)
        addresses = [ip_address(place[0]) for *_, place in found]
        for address in addresses:
            self.policy.check(target, address)
        return addresses

    async def _post(self, target: Target, address: Address, message: Message, now_ms: int) -> tuple[int, int | None]:
        async with httpx.AsyncClient(
            verify=self.trusted, trust_env=False, follow_redirects=False, timeout=self.timeout
        ) as client:
            sending = client.stream(
                "POST",
                target.at(address),
                content=message.body.encode(),
                headers={"Host": target.authority, **headers_of(message, now_ms)},
                extensions={"sni_hostname": target.host},
            )
            async with sending as answer:
                return answer.status_code, _seconds(answer.headers.get("retry-after", ""))


def headers_of(message: Message, now_ms: int) -> dict[str, str]:
    """The headers of a message sent now: identifier, time in seconds, one signature for each secret."""
    at = datetime.fromtimestamp(now_ms // 1000, UTC)
    signed = [Signature(secret).sign(message.id, at, message.body) for secret in message.secrets]
    return {
        "Content-Type": "application/json",
        "User-Agent": "Cangdan-Webhooks/1",
        "Accept-Encoding": "identity",
        "webhook-id": message.id,
        "webhook-timestamp": str(now_ms // 1000),
        "webhook-signature": " ".join(signed),
    }


def trusted(authority_file: Path | None) -> ssl.SSLContext:
    """Whom https receivers must be vouched for by: the usual authorities, and those of a file. Raises OSError."""
    context = httpx.create_ssl_context(trust_env=False)
    if authority_file is not None:
        context.load_verify_locations(authority_file)
    return context


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    return error


def _seconds(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 7 else None
