"""What lets a simulated device forget a segment."""

import json

import httpx
import pytest

from api.runner.devices import DeliveryFailed, Uplink
from ledger_node.hashing import sha256
from oracle.formats.signed import SegmentReceipt, dump_receipt, sign_receipt
from tests.oracle.judgement_kit import CONTEXT, DAY, ORACLE_SIGNERS, Device

SEGMENT = Device().lives(DAY)


def receipt(digest: bytes = SEGMENT.digest) -> bytes:
    signer = ORACLE_SIGNERS[0]
    unsigned = SegmentReceipt(
        CONTEXT.chain_id, CONTEXT.registry, SEGMENT.content.device, 1, digest, 0, signer.address, DAY, b""
    )
    return dump_receipt(sign_receipt(unsigned, signer))


def send(answer: bytes) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(201, content=answer))
    Uplink(["https://oracle.example"], httpx.Client(transport=transport)).send("scale", SEGMENT)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"", "receipt: "),
        (json.dumps({**json.loads(receipt()), "seq": 2}).encode(), "receipt: is signed by"),
        (receipt(sha256(b"another")), "the receipt is of another segment"),
    ],
)
def test_a_device_forgets_no_segment_without_an_oracles_signature_for_it(answer: bytes, says: str) -> None:
    with pytest.raises(DeliveryFailed, match=f"scale: segment 1: .*{says}"):
        send(answer)


def test_a_device_relies_on_the_receipt_that_an_oracle_signed() -> None:
    send(receipt())
