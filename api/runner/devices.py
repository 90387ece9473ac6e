"""Simulated devices: they sign what a stream says and hand it to an oracle until the oracle gives its receipt."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import httpx

from api.runner.streams import Sample
from ledger_node.hashing import sha256
from oracle.formats.cose import DeviceKey
from oracle.formats.fields import FieldError
from oracle.formats.segment import (
    GENESIS_PREV,
    Context,
    Reading,
    Segment,
    SignedSegment,
    TimeSource,
    sign,
)
from oracle.formats.signed import NoteRefused, check_receipt, load_receipt

GIVE_UP_SECONDS = 60.0
_PAUSE_SECONDS = 0.25
_FIRMWARE = sha256(b"cangdan simulated device 1")


class DeliveryFailed(Exception):
    """No oracle took a segment; the message names device, sequence number and the last answer."""


@dataclass
class SimulatedDevice:
    """One device: its key, its place in its own sequence, and what it has still to say."""

    name: str
    device: bytes
    key: DeviceKey
    calibration: bytes
    channels: dict[str, int]
    batches: Iterator[Sequence[Sample]]
    time_source: TimeSource
    seq: int = 0
    prev: bytes = GENESIS_PREV
    _waiting: Sequence[Sample] | None = field(default=None, init=False)

    def segments(self, until_ms: int | None, block_hash: bytes, context: Context) -> Iterator[SignedSegment]:
        """The next segments, up to the last that ends before `until_ms` (None: all)."""
        while True:
            batch = self._waiting or next(self.batches, None)
            self._waiting = batch
            if batch is None or (until_ms is not None and batch[-1].t_ms >= until_ms):
                return
            self._waiting = None
            yield self._sign(batch, block_hash, context)

    def _sign(self, batch: Sequence[Sample], block_hash: bytes, context: Context) -> SignedSegment:
        start = batch[0].t_ms
        self.seq += 1
        segment = Segment(
            device=self.device,
            boot=1,
            seq=self.seq,
            prev=self.prev,
            epoch_block_hash=block_hash,
            t0_ms=start,
            mono_ms=start,
            time_source=self.time_source,
            firmware=_FIRMWARE,
            calibration=self.calibration,
            readings=tuple(
                Reading(sample.t_ms - start, self.channels[sample.channel], sample.value, sample.exp10)
                for sample in batch
            ),
        )
        self.prev = sha256(segment.payload())
        return sign(segment, self.key, context)


class Uplink:
    """The way from devices to the oracles: each device keeps to one oracle while that one answers."""

    def __init__(self, oracle_urls: Sequence[str], client: httpx.Client) -> None:
        self._urls = list(oracle_urls)
        self._client = client
        self._home: dict[str, int] = {}

    def send(self, device: str, segment: SignedSegment, give_up_seconds: float = GIVE_UP_SECONDS) -> None:
        """Hand a segment over until its receipt is there. Raises DeliveryFailed when it is refused or not answered."""
        home = self._home.setdefault(device, sum(device.encode()) % len(self._urls))
        deadline = time.monotonic() + give_up_seconds
        answer = "no answer"
        while time.monotonic() < deadline:
            try:
                response = self._client.post(
                    f"{self._urls[home]}/v1/segments",
                    content=segment.raw,
                    headers={"content-type": "application/cose"},
                )
            except httpx.TransportError as error:
                answer = type(error).__name__
                time.sleep(_PAUSE_SECONDS)
                continue
            if response.is_success:
                _rely_on(response.content, device, segment)
                return
            answer = f"{response.status_code} {response.text[:300]}"
            if response.status_code not in (429, 500, 502, 503, 504):
                break
            time.sleep(_PAUSE_SECONDS)
        raise DeliveryFailed(f"{device}: segment {segment.content.seq} was not taken: {answer}")


def _rely_on(text: bytes, device: str, segment: SignedSegment) -> None:
    """What lets a device forget a segment: an oracle's signature under the digest of that segment."""
    try:
        receipt = load_receipt(text)
        check_receipt(receipt)
    except (FieldError, NoteRefused) as error:
        raise DeliveryFailed(f"{device}: segment {segment.content.seq}: {error}") from None
    if receipt.segment_digest != segment.digest:
        raise DeliveryFailed(f"{device}: segment {segment.content.seq}: the receipt is of another segment")
