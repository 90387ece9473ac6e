"""Another oracle over HTTP: signed requests out, strict answers in."""

from collections.abc import Sequence

import httpx

from ledger_node.canonical_json import JsonError, JsonValue
from ledger_node.hexvalues import data_hex
from oracle.agreement import Fault
from oracle.clock import Clock
from oracle.formats import wire
from oracle.formats.fields import FieldError, Fields, objects
from oracle.formats.report import SIGNATURE_SIZE, Proposal, proposal_from_json, proposal_to_json, report_from_json
from oracle.formats.requests import Scheme, sign_request
from oracle.formats.segment import MAX_TIME_MS, Context
from oracle.formats.signed import Signer, log_origin
from oracle.peers import PeerUnavailable, ReportPage

MAX_ANSWER = 32 << 20
MAX_REPORTS = 1000
NOT_FOUND = 404


class HttpPeer:
    """One oracle of the set at its URL. Satisfies peers.Peer."""

    def __init__(self, client: httpx.Client, address: bytes, context: Context, signer: Signer, clock: Clock) -> None:
        """`client` has the peer's base URL and time-outs; `address` is the address of its oracle."""
        self._client = client
        self._address = address
        self._origin = log_origin(context, address)
        self._signer = signer
        self._clock = clock

    @property
    def address(self) -> bytes:
        """Its 20-byte address."""
        return self._address

    def reports(self, after: int) -> ReportPage:
        """Its own reports after a serial number. Raises PeerUnavailable."""
        try:
            fields = Fields(self._get(f"/v1/reports?after={after}"), "answer")
            page = ReportPage(
                fields.integer("next", after, MAX_TIME_MS),
                tuple(report_from_json(each) for each in objects(fields, "reports", MAX_REPORTS)),
            )
            fields.end()
        except FieldError as error:
            raise PeerUnavailable(f"reports: {error}") from None
        return page

    def propose(self, proposals: Sequence[Proposal]) -> list[bytes | Fault]:
        """For each proposal its signature, or why it does not sign. Raises PeerUnavailable."""
        body = wire.dump({"proposals": [proposal_to_json(each) for each in proposals]})
        try:
            fields = Fields(self._ask("POST", "/v1/proposals", body), "answer")
            answers = [_answer(each) for each in objects(fields, "answers", len(proposals), fewest=len(proposals))]
            fields.end()
        except FieldError as error:
            raise PeerUnavailable(f"proposals: {error}") from None
        return answers

    def round(self, schema: bytes, slot: int) -> Proposal | None:
        """The proposal of an anchored round, or None. Raises PeerUnavailable."""
        value = self._get(f"/v1/proposals/{data_hex(schema)}/{slot}")
        if value is None:
            return None
        try:
            return proposal_from_json(Fields(value, "answer"))
        except FieldError as error:
            raise PeerUnavailable(f"proposal: {error}") from None

    def _get(self, target: str) -> JsonValue:
        return self._ask("GET", target, b"")

    def _ask(self, method: str, target: str, body: bytes) -> JsonValue:
        """The JSON of an answer, None when nothing is known there."""
        header = sign_request(self._signer, Scheme.ORACLE, self._origin, target, self._clock.now_ms())
        answer = bytearray()
        try:
            with self._client.stream(method, target, headers={"Authorization": header}, content=body) as response:
                if response.status_code == NOT_FOUND:
                    return None
                if response.status_code != httpx.codes.OK:
                    raise PeerUnavailable(f"{target.split('?')[0]}: status {response.status_code}")
                for part in response.iter_bytes():
                    answer += part
                    if len(answer) > MAX_ANSWER:
                        raise PeerUnavailable(f"an answer is longer than {MAX_ANSWER} bytes")
            return wire.load(bytes(answer))
        except httpx.HTTPError as error:
            raise PeerUnavailable(f"{target.split('?')[0]}: {type(error).__name__}") from None
        except JsonError as error:
            raise PeerUnavailable(f"{target.split('?')[0]}: {error}") from None


def ask_address(client: httpx.Client) -> bytes | None:
    """The address that the oracle at a URL says it has, None when it does not answer; what it signs will prove it."""
    try:
        response = client.get("/v1/oracle")
        if response.status_code != httpx.codes.OK:
            return None
        return Fields(wire.load(response.content), "oracle").data("address", 20)
    except (httpx.HTTPError, JsonError, FieldError):
        return None


def _answer(fields: Fields) -> bytes | Fault:
    if fields.has("signature"):
        signature = fields.data("signature", SIGNATURE_SIZE)
        fields.end()
        return signature
    fault = fields.word("fault", Fault, [each.value for each in Fault])
    fields.end()
    return fault
