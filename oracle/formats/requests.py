"""Signed requests: the Authorization header by which an oracle or an account says who reads (docs/formats/log.md)."""

import re
from enum import StrEnum

from ledger_node.hexvalues import data_hex
from ledger_node.signing import Signer
from oracle.formats.signed import NoteRefused, check_request, request_text

VALID_MS = 60_000
"""How far the time of a signed request may be from the clock of the one who is asked."""
_HEADER = re.compile(r"(CLR-Oracle|CLR-Account) time=([0-9]{1,15}), signature=(0x[0-9a-f]{128})\Z")


class Scheme(StrEnum):
    """As what the sender asks; the name of the authorization scheme."""

    ORACLE = "CLR-Oracle"
    ACCOUNT = "CLR-Account"


def sign_request(signer: Signer, scheme: Scheme, origin: str, target: str, time_ms: int) -> str:
    """The header for a GET request of path and query `target` to the log `origin`."""
    signature = signer.sign_text(request_text(origin, target, time_ms))
    return f"{scheme.value} time={time_ms}, signature={data_hex(signature)}"


def requester(header: str, schemes: tuple[Scheme, ...], origin: str, target: str, now_ms: int) -> bytes:
    """The 20-byte address that signed the request, about now. Raises NoteRefused; what the address may is not known."""
    match = _HEADER.match(header)
    if match is None or match[1] not in schemes:
        raise NoteRefused(f"Authorization: must be {' or '.join(schemes)} time=.., signature=0x..")
    time_ms = int(match[2])
    if abs(now_ms - time_ms) > VALID_MS:
        raise NoteRefused(f"time: must be within {VALID_MS} ms of the oracle's clock")
    return check_request(origin, target, time_ms, bytes.fromhex(match[3][2:]))
