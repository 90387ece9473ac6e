"""Another oracle over HTTP: signed requests out, strict answers in, bounded in bytes and in time."""

import time
from collections.abc import Sequence

import httpx

from ledger_node.canonical_json import JsonError, JsonValue
from ledger_node.hexvalues import data_hex
from ledger_node.signing import Signer
from oracle.agreement import Fault
from oracle.clock import Clock
from oracle.formats import wire
from oracle.formats.fields import FieldError, Fields, objects
from oracle.formats.report import SIGNATURE_SIZE, Proposal, proposal_from_json, proposal_to_json, report_from_json
from oracle.formats.requests import Scheme, sign_request
from oracle.formats.segment import MAX_TIME_MS, Context
from oracle.formats.signed import NoteRefused, check_place, log_origin
from oracle.peers import PeerUnavailable, ReportPage

MAX_ANSWER = 32 << 20
MAX_NAME = 4096
MAX_REPORTS = 1000
ANSWER_S = 20.0
"""For how long the bytes of one answer may come in."""
NOT_FOUND = 404


class PeerClient:
    """Requests to one oracle, signed with our key. Satisfies what Puller and HttpPeer ask with."""

    def __init__(self, client: httpx.Client, address: bytes, context: Context, signer: Signer, clock: Clock) -> None:
        """`client` has the peer's base URL and time-outs; `address` is the address of its oracle."""
        self.address = address
        self.origin = log_origin(context, address)
        self._client = client
        self._signer = signer
        self._clock = clock

    def ask(self, target: str, limit: int, body: bytes | None = None) -> bytes | None:
        """The answer to a GET, or with a body to a POST; None when nothing is known there.

        Raises PeerUnavailable, SignerError."""
        header = sign_request(self._signer, Scheme.ORACLE, self.origin, target, self._clock.now_ms())
        return _exchange(self._client, target, limit, {"Authorization": header}, body)


class HttpPeer:
    """One oracle of the set at its URL. Satisfies peers.Peer."""

    def __init__(self, client: PeerClient) -> None:
        self._client = client

    @property
    def address(self) -> bytes:
        """Its 20-byte address."""
        return self._client.address

    def reports(self, after: int) -> ReportPage:
        """Its own reports after a serial number. Raises PeerUnavailable."""
        try:
            fields = Fields(self._ask(f"/v1/reports?after={after}"), "answer")
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
            fields = Fields(self._ask("/v1/proposals", body), "answer")
            answers = [_answer(each) for each in objects(fields, "answers", len(proposals), fewest=len(proposals))]
            fields.end()
        except FieldError as error:
            raise PeerUnavailable(f"proposals: {error}") from None
        return answers

    def round(self, schema: bytes, slot: int) -> Proposal | None:
        """The proposal of an anchored round, or None. Raises PeerUnavailable."""
        value = self._ask(f"/v1/proposals/{data_hex(schema)}/{slot}")
        if value is None:
            return None
        try:
            return proposal_from_json(Fields(value, "answer"))
        except FieldError as error:
            raise PeerUnavailable(f"proposal: {error}") from None

    def _ask(self, target: str, body: bytes | None = None) -> JsonValue:
        answer = self._client.ask(target, MAX_ANSWER, body)
        try:
            return None if answer is None else wire.load(answer)
        except JsonError as error:
            raise PeerUnavailable(f"{target.split('?')[0]}: {error}") from None


def ask_address(client: httpx.Client) -> bytes | None:
    """The address of the oracle at the client's URL, which it has signed together with the URL; None when none is."""
    try:
        answer = _exchange(client, "/v1/oracle", MAX_NAME, {}, None)
        if answer is None:
            return None
        fields = Fields(wire.load(answer), "oracle")
        address, origin, url = fields.data("address", 20), fields.text("origin"), fields.text("url")
        check_place(origin, url, address, fields.data("signature", SIGNATURE_SIZE))
    except (PeerUnavailable, JsonError, FieldError, NoteRefused):
        return None
    return address if url == str(client.base_url).rstrip("/") else None


def _exchange(
    client: httpx.Client, target: str, limit: int, headers: dict[str, str], body: bytes | None
) -> bytes | None:
    """The body of an answer 200, None of an answer 404. Raises PeerUnavailable, also for redirections."""
    path, method, answer = target.split("?")[0], "GET" if body is None else "POST", bytearray()
    end_s = time.monotonic() + ANSWER_S
    try:
        plain = {**headers, "Accept-Encoding": "identity"}
        with client.stream(method, target, headers=plain, content=body, follow_redirects=False) as response:
            if response.status_code == NOT_FOUND:
                return None
            if response.status_code != httpx.codes.OK:
                raise PeerUnavailable(f"{path}: status {response.status_code}")
            if "content-encoding" in response.headers:
                # It could grow a thousandfold while it is unpacked.
                raise PeerUnavailable(f"{path}: the answer is compressed")
            for part in response.iter_bytes():
                answer += part
                if len(answer) > limit:
                    raise PeerUnavailable(f"{path}: the answer is longer than {limit} bytes")
                if time.monotonic() > end_s:
                    raise PeerUnavailable(f"{path}: the answer takes longer than {ANSWER_S:.0f} s")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise PeerUnavailable(f"{path}: {type(error).__name__}") from None
    return bytes(answer)


def _answer(fields: Fields) -> bytes | Fault:
    if fields.has("signature"):
        signature = fields.data("signature", SIGNATURE_SIZE)
        fields.end()
        return signature
    fault = fields.word("fault", Fault, [each.value for each in Fault])
    fields.end()
    return fault
