"""Trust files: what a verifier believes before it reads any evidence (docs/formats/trust.md).

A trust file is the verifier's own. It names the chain, how its headers are to be believed, and the contracts that
matter with the hashes of their code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ledger_node import canonical_json
from ledger_node.canonical_json import JsonValue
from ledger_node.consensus.checkpoint import CheckpointError, read_state, state_json
from ledger_node.consensus.rules import Consensus, Followed, HeaderRefused, Rules
from ledger_node.consensus.run import Run, check_linked, check_run
from ledger_node.fields import exact_fields
from ledger_node.headers import HeaderError, check_seal
from ledger_node.hexvalues import HexError, address_hex, data_hex, read_address, read_data
from ledger_node.trust_rules import read_rules, rules_json

FORMAT = "cangdan/trust/1"
MAX_CHAIN_ID = 2**53 - 1
_COMMON = ("format", "engine", "chainId", "genesisHash", "contracts")


class TrustError(ValueError):
    """A trust file, or a header held against it, breaks a rule; the message names the field and the rule."""


class Engine(StrEnum):
    """How headers are believed: by the seal of one key, by validators' or signers' seals, or because the verifier took
    them from its own node."""

    EMBEDDED = "embedded"
    QBFT = "qbft"
    CLIQUE = "clique"
    PINNED = "pinned"


_OWN = {
    Engine.EMBEDDED: ("sealer",),
    Engine.QBFT: ("rules", "checkpoint"),
    Engine.CLIQUE: ("rules", "checkpoint"),
    Engine.PINNED: ("pinned",),
}
"""The fields that belong to an engine."""


@dataclass(frozen=True, slots=True)
class PinnedBlock:
    """A block that the verifier's own node has shown: its number and hash."""

    number: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class TrustedContract:
    """A contract by name: its 20-byte address and the hash of its code (32 bytes)."""

    name: str
    address: bytes
    code_hash: bytes


@dataclass(frozen=True, slots=True)
class Trust:
    """The values of a trust file.

    `sealer` belongs to the embedded engine, `pinned` to the pinned one, `rules` and `checkpoint` to qbft and clique.
    """

    engine: Engine
    chain_id: int
    genesis_hash: bytes
    sealer: bytes | None = None
    pinned: tuple[PinnedBlock, ...] = ()
    contracts: tuple[TrustedContract, ...] = ()
    rules: Rules | None = None
    checkpoint: Followed | None = None

    def contract(self, name: str) -> TrustedContract:
        """The contract of that name. Raises TrustError when the file does not know it."""
        for each in self.contracts:
            if each.name == name:
                return each
        raise TrustError(f"trust.contracts.{name}: is missing")


def check_header(run: Run, seal: bytes | None, trust: Trust) -> bytes:
    """Check that `trust` believes the run's block, and return its hash, 32 bytes.

    Block 0 is the genesis block of the file. Embedded: every other block carries the sealer's seal. Pinned: the block
    is listed. QBFT and Clique: the checkpoint's set vouches for the run. Raises TrustError that names the rule.
    """
    if len(run.headers) > 1 and (trust.engine is Engine.EMBEDDED or run.header.number == 0):
        raise TrustError("header: there are headers before or after it that nothing asks for")
    try:
        if run.header.number > 0 and trust.rules is not None and trust.checkpoint is not None:
            return check_run(trust.rules, trust.checkpoint, run)
        block_hash = check_linked(run)
    except HeaderRefused as error:
        raise TrustError(f"header: {error}") from None
    if run.header.number == 0:
        if block_hash != trust.genesis_hash:
            raise TrustError("header: block 0 is not the trusted genesis block")
    elif trust.engine is Engine.PINNED:
        _check_pinned(run.header.number, block_hash, trust)
    else:
        _check_sealed(block_hash, seal, trust)
    return block_hash


def parse_trust(text: bytes) -> Trust:
    """The trust that a file's UTF-8 `text` describes. Raises TrustError naming the field."""
    try:
        document = canonical_json.loads(text)
        if not isinstance(document, dict):
            raise TrustError("trust: must be one JSON object")
        return _trust(document)
    except (canonical_json.JsonError, HexError, CheckpointError) as error:
        raise TrustError(f"trust file: {error}") from None


def load_trust(path: Path) -> Trust:
    """The trust in the file at `path`. Raises TrustError, also when the file cannot be read."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise TrustError(f"trust file {path}: {error.strerror}") from None
    return parse_trust(text)


def dump_trust(trust: Trust) -> bytes:
    """The canonical text (RFC 8785) of a trust file; `parse_trust` gives the same trust back."""
    document: dict[str, JsonValue] = {
        "format": FORMAT,
        "engine": trust.engine.value,
        "chainId": trust.chain_id,
        "genesisHash": data_hex(trust.genesis_hash),
        "contracts": {
            each.name: {"address": address_hex(each.address), "codeHash": data_hex(each.code_hash)}
            for each in trust.contracts
        },
    }
    if trust.sealer is not None:
        document["sealer"] = address_hex(trust.sealer)
    if trust.engine is Engine.PINNED:
        document["pinned"] = [{"number": each.number, "hash": data_hex(each.hash)} for each in trust.pinned]
    if trust.rules is not None and trust.checkpoint is not None:
        document["rules"] = rules_json(trust.rules)
        document["checkpoint"] = state_json(trust.checkpoint)
    return canonical_json.dumps(document)


def _check_sealed(block_hash: bytes, seal: bytes | None, trust: Trust) -> None:
    if seal is None or trust.sealer is None:
        raise TrustError("header: the seal is missing")
    try:
        check_seal(block_hash, seal, trust.sealer)
    except HeaderError as error:
        raise TrustError(str(error)) from None


def _check_pinned(number: int, block_hash: bytes, trust: Trust) -> None:
    numbers = [each.hash for each in trust.pinned if each.number == number]
    if not numbers:
        raise TrustError(f"header: block {number} is not pinned")
    if block_hash not in numbers:
        raise TrustError(f"header: block {number} is not the pinned block")


def _trust(document: Mapping[str, JsonValue]) -> Trust:
    if document.get("format") != FORMAT:
        raise TrustError(f"trust.format: must be {FORMAT}")
    engine = document.get("engine")
    if engine not in list(Engine):
        raise TrustError(f"trust.engine: must be one of {', '.join(Engine)}")
    engine = Engine(str(engine))
    fields = exact_fields("trust", document, (*_COMMON, *_OWN[engine]), TrustError)
    chain_id = _integer("trust.chainId", fields["chainId"], 1)
    genesis_hash = read_data("trust.genesisHash", fields["genesisHash"], 32)
    rules = checkpoint = None
    if engine in (Engine.QBFT, Engine.CLIQUE):
        rules = read_rules(fields["rules"], Consensus(engine.value), chain_id, genesis_hash)
        checkpoint = read_state("trust.checkpoint", fields["checkpoint"], rules)
    return Trust(
        engine=engine,
        chain_id=chain_id,
        genesis_hash=genesis_hash,
        sealer=read_address("trust.sealer", fields["sealer"]) if engine is Engine.EMBEDDED else None,
        pinned=_pinned(fields["pinned"]) if engine is Engine.PINNED else (),
        contracts=_contracts(fields["contracts"]),
        rules=rules,
        checkpoint=checkpoint,
    )


def _pinned(value: JsonValue) -> tuple[PinnedBlock, ...]:
    if not isinstance(value, list):
        raise TrustError("trust.pinned: must be a list")
    blocks: dict[int, PinnedBlock] = {}
    for at, entry in enumerate(value):
        field = f"trust.pinned[{at}]"
        fields = exact_fields(field, entry, ("number", "hash"), TrustError)
        number = _integer(f"{field}.number", fields["number"], 0)
        if number in blocks:
            raise TrustError(f"{field}.number: stands twice")
        blocks[number] = PinnedBlock(number, read_data(f"{field}.hash", fields["hash"], 32))
    return tuple(blocks[number] for number in sorted(blocks))


def _contracts(value: JsonValue) -> tuple[TrustedContract, ...]:
    if not isinstance(value, dict):
        raise TrustError("trust.contracts: must be an object from name to contract")
    contracts: list[TrustedContract] = []
    for name in sorted(value):
        field = f"trust.contracts.{name}"
        fields = exact_fields(field, value[name], ("address", "codeHash"), TrustError)
        address = read_address(f"{field}.address", fields["address"])
        contracts.append(TrustedContract(name, address, read_data(f"{field}.codeHash", fields["codeHash"], 32)))
    return tuple(contracts)


def _integer(field: str, value: JsonValue, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= MAX_CHAIN_ID:
        raise TrustError(f"{field}: must be an integer between {least} and 2**53 - 1")
    return value
