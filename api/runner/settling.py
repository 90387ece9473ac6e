"""Waiting for what the product does by itself: bounded, and never by counting seconds where a state can be asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from api.runner.session import StillWaiting, pauses
from api.runner.stage import Stage

T = TypeVar("T")
PATIENCE_SECONDS = 240.0


def wait_for(look: Callable[[], T | None], what: str, patience_seconds: float = PATIENCE_SECONDS) -> T:
    """What `look` finds, once it finds something true. Raises StillWaiting that says `what` was waited for."""
    deadline = time.monotonic() + patience_seconds
    for pause in pauses():
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            break
        time.sleep(pause)
    raise StillWaiting(f"waited {patience_seconds:.0f} s in vain for {what}")


def post_to_oracles(stage: Stage, path: str, body: bytes) -> None:
    """Hand a file to every oracle. Raises StillWaiting with the last answer when one of them does not take it."""
    for url in stage.oracle_urls:
        last = ""

        def taken(address: str = f"{url}{path}") -> bool:
            nonlocal last
            try:
                response = stage.devices.post(address, content=body, headers={"content-type": "application/json"})
            except httpx.TransportError as error:
                last = type(error).__name__
                return False
            last = f"{response.status_code} {response.text[:300]}"
            return response.is_success

        try:
            wait_for(taken, f"{url} to take {path}", patience_seconds=30)
        except StillWaiting as error:
            raise StillWaiting(f"{error}: {last}") from None


def wait_until_settled(stage: Stage) -> None:
    """Until each oracle has heard all that the others have, and has neither a round nor a rule under way."""

    def settled() -> bool:
        states = [_status(stage, url) for url in stage.oracle_urls]
        return all(each["settled"] for each in states) and len({each["logSize"] for each in states}) == 1

    wait_for(settled, "the oracles to settle")


def _status(stage: Stage, url: str) -> dict[str, Any]:
    try:
        response = stage.devices.get(f"{url}/v1/status")
        response.raise_for_status()
    except httpx.HTTPError:
        return {"settled": False, "logSize": -1}
    answer: dict[str, Any] = response.json()
    return answer
