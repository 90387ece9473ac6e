"""Asking a unit's address: whether it may be listened at, whether somebody answers there, whether all is well."""

import errno
import http.client
import socket
import ssl
from enum import Enum, auto
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

TIMEOUT_SECONDS = 1.0
READY = 200


class Answer(Enum):
    """What comes of asking: nothing, an answer (the process lives), or a 200 (it can be used)."""

    SILENCE = auto()
    BUSY = auto()
    READY = auto()


class AddressTaken(Exception):
    """Another program listens where a unit is to listen; the text names the address."""


def ask(url: str, authority_file: Path | None = None) -> Answer:
    """What a GET of the address gives within a second. Over https only the authority of that file is believed."""
    try:
        connection = _connection(urlsplit(url), authority_file)
    except OSError:  # the authority's file is not there yet
        return Answer.SILENCE
    try:
        connection.request("GET", urlsplit(url).path or "/")
        return Answer.READY if connection.getresponse().status == READY else Answer.BUSY
    except (OSError, http.client.HTTPException):
        return Answer.SILENCE
    finally:
        connection.close()


def refuse_taken_address(url: str) -> None:
    """Raise AddressTaken when another program listens where the unit is to listen."""
    host, port = _place(urlsplit(url))
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            cause = error.strerror or errno.errorcode.get(error.errno or 0, "unknown")
            raise AddressTaken(f"{host}:{port} cannot be listened at: {cause}") from None


def _connection(parts: SplitResult, authority_file: Path | None) -> http.client.HTTPConnection:
    host, port = _place(parts)
    if parts.scheme != "https":
        return http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    context = ssl.create_default_context(cafile=authority_file)
    return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=context)


def _place(parts: SplitResult) -> tuple[str, int]:
    return parts.hostname or "127.0.0.1", parts.port or (443 if parts.scheme == "https" else 80)
