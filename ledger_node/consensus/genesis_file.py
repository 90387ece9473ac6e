"""Genesis files as trust anchors: of geth (clique), of Besu and GoQuorum (qbft), of the embedded ledger.

Block 0 is computed from the file, state root included. Pure. Names within `config` are read in any case, as the
engines do, and two names that differ in nothing else are refused. What would make headers mean something else is
refused by name; other settings do not concern headers.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

from ledger_node.consensus.genesis_state import Allotted, state_root
from ledger_node.consensus.rules import (
    EMPTY_OMMERS,
    NUMBER_CEILING,
    TIME_CEILING,
    ZERO_HASH,
    Client,
    Consensus,
    Period,
    Rules,
    SetChange,
)
from ledger_node.genesis import FORMAT, Genesis, GenesisError, genesis_digest, parse_genesis
from ledger_node.headers import QBFT_MIX_HASH, Header, HeaderError
from ledger_node.hexvalues import HexError, read_address
from ledger_node.tries import ordered_root

_EMPTY_ROOT = ordered_root(())
_EMPTY_REQUESTS = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
_FIRST_BASE_FEE = 10**9
_DEFAULT_EPOCH = 30_000
_DEFAULT_PERIOD = {Client.GETH: 0, Client.BESU: 1, Client.GOQUORUM: 5}
_BLOCK_BITS, _TIME_BITS = (NUMBER_CEILING - 1).bit_length(), (TIME_CEILING - 1).bit_length()
_NUMBER = re.compile(r"(?:0[xX]0*(?P<hex>[0-9a-fA-F]+)|0*(?P<decimal>[0-9]+))\Z")
_MOST_DIGITS = len(str(2**256))
_HEX = re.compile(r"(?:0[xX])?((?:[0-9a-fA-F]{2})*)\Z")
Object = Mapping[str, object]


def read_genesis(text: bytes, consensus: Consensus | None = None) -> Rules:
    """The rules that a genesis file's UTF-8 `text` gives, for the consensus named, else the one that it has.

    A file that holds the genesis as its member `genesis` (as Besu's network configuration does) is read through it.
    Raises GenesisError that names the field.
    """
    document = load_object(text)
    inner = document.get("genesis")
    if isinstance(inner, Mapping) and "config" not in document:
        document = inner
        text = json.dumps(inner).encode()
    if "sealer" in document or document.get("format") == FORMAT:
        _agree(consensus, Consensus.EMBEDDED)
        return _embedded(parse_genesis(text))
    _refuse_alike("", document)
    config = _lower("config", document.get("config"))
    found = [each for each in (Consensus.QBFT, Consensus.CLIQUE) if isinstance(config.get(each.value), Mapping)]
    if not found:
        _refuse("config", "names no consensus whose headers can be followed: it has neither qbft nor clique")
    if len(found) > 1 and consensus not in found:
        _refuse("config", "has qbft and clique; say which with --consensus")
    chosen = consensus if len(found) > 1 and consensus is not None else found[0]
    _agree(consensus, chosen)
    genesis = _header(document, config)
    try:
        block_hash = genesis.hash()
    except HeaderError as error:
        raise GenesisError(f"genesis: {error}") from None
    return _rules(chosen, config, genesis, block_hash)


def load_object(text: bytes) -> Object:
    """The JSON object in a foreign file, in UTF-8; a key that stands twice is refused. Raises GenesisError."""
    try:
        value = json.loads(text.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise GenesisError(f"genesis: not a JSON object: {error}") from None
    if not isinstance(value, dict):
        raise GenesisError("genesis: must be one JSON object")
    return value


def embedded_genesis(genesis: Genesis) -> Header:
    """Block 0 of an embedded ledger (docs/formats/genesis.md)."""
    root = state_root(Allotted(each.address, each.balance) for each in genesis.alloc)
    return _block_0(root, genesis.sealer, 1, genesis.gas_limit, genesis.timestamp, genesis_digest(genesis))


def _embedded(genesis: Genesis) -> Rules:
    header = embedded_genesis(genesis)
    return Rules(
        Consensus.EMBEDDED,
        genesis.chain_id,
        header.hash(),
        header,
        sealer=genesis.sealer,
        gas_limit=genesis.gas_limit,
    )


def _rules(consensus: Consensus, config: Object, genesis: Header, block_hash: bytes) -> Rules:
    section = _lower(f"config.{consensus.value}", config[consensus.value])
    name = f"config.{consensus.value}"
    if consensus is Consensus.CLIQUE:
        client = Client.GETH
    elif genesis.mix_hash != QBFT_MIX_HASH:
        _refuse("mixHash", "is not that of QBFT")
    else:
        client = Client.GOQUORUM if config.get("isquorum") is True else Client.BESU
    _refuse_contract(name, section)
    if "startblock" in section or _number(f"{name}.testqbftblock", config.get("testqbftblock", 0)):
        _refuse(name, "begins after block 0: only chains of one consensus can be followed")
    epoch = _number(f"{name}.epoch", section.get("epoch", section.get("epochlength", 0)), _BLOCK_BITS)
    epoch = epoch or _DEFAULT_EPOCH
    if client is Client.GOQUORUM and _number(f"{name}.ceil2Nby3Block", section.get("ceil2nby3block") or 0):
        _refuse(f"{name}.ceil2Nby3Block", "2F + 1 seals are enough before that block: it must be 0 or not given")
    seconds = _period(name, section, client, _DEFAULT_PERIOD[client])
    periods, sets = _changes(client, seconds, _transitions(consensus, config))
    if client is Client.GOQUORUM and section.get("validators"):
        sets.insert(0, SetChange(1, _addresses(f"config.{consensus.value}.validators", section["validators"])))
    london = config.get("londonblock")
    return Rules(
        consensus,
        _number("config.chainId", config.get("chainid")),
        block_hash,
        genesis,
        client,
        epoch,
        None if london is None else _number("config.londonBlock", london, _BLOCK_BITS),
        periods,
        tuple(sets),
    )


def _changes(client: Client, seconds: int, transitions: Sequence[Object]) -> tuple[tuple[Period, ...], list[SetChange]]:
    """The periods from block 0 on, and the sets that transitions put in the place of the followed one."""
    starts: dict[int, int] = {0: seconds}
    sets: list[SetChange] = []
    for at, change in enumerate(transitions):
        field = f"config.transitions[{at}]"
        _refuse_contract(field, change)
        for name in ("epochlength", "algorithm"):
            if name in change:
                _refuse(f"{field}.{name}", "changes how headers are read: such a chain cannot be followed")
        if change.get("2fplus1enabled"):
            _refuse(f"{field}.2FPlus1Enabled", "2F + 1 seals are enough then: such a chain cannot be followed")
        block = _number(f"{field}.block", change.get("block"), _BLOCK_BITS)
        if block < max(starts):
            _refuse("config.transitions", "are not in the order of their blocks")
        starts[block] = _period(field, change, client, starts[max(starts)])
        if change.get("validators"):
            if client is Client.GOQUORUM and at:
                _refuse(f"{field}.validators", "GoQuorum takes validators from the first transition alone")
            first = block + (1 if client is Client.GOQUORUM else 0)
            sets.append(SetChange(first, _addresses(f"{field}.validators", change["validators"])))
    return tuple(Period(block, each) for block, each in starts.items()), sets


def _header(document: Object, config: Object) -> Header:
    mix_hash = _bytes("mixHash", document.get("mixHash", document.get("mixhash", "0x" + "00" * 32)), 32)
    london = config.get("londonblock") is not None and _number("config.londonBlock", config["londonblock"]) == 0
    fee = document.get("baseFeePerGas")
    base_fee = _FIRST_BASE_FEE if fee is None else _number("baseFeePerGas", fee)
    timestamp = _number("timestamp", document.get("timestamp", 0), _TIME_BITS)
    time_forks = [_at_genesis(config, name, timestamp) for name in ("shanghaitime", "cancuntime", "praguetime")]
    shanghai, cancun, prague = time_forks
    return _block_0(
        state_root(_accounts(document.get("alloc"))),
        _bytes("coinbase", document.get("coinbase", "0x" + "00" * 20), 20),
        _number("difficulty", document.get("difficulty")),
        _number("gasLimit", document.get("gasLimit"), 63),
        timestamp,
        _bytes("extraData", document.get("extraData", "0x")),
        parent_hash=_bytes("parentHash", document.get("parentHash", "0x" + "00" * 32), 32),
        mix_hash=mix_hash,
        nonce=_number("nonce", document.get("nonce", 0), 64).to_bytes(8, "big"),
        base_fee_per_gas=base_fee if london or (fee is not None and mix_hash == QBFT_MIX_HASH) else None,
        withdrawals_root=_EMPTY_ROOT if shanghai else None,
        blob_gas_used=_number("blobGasUsed", document.get("blobGasUsed", 0)) if cancun else None,
        excess_blob_gas=_number("excessBlobGas", document.get("excessBlobGas", 0)) if cancun else None,
        parent_beacon_block_root=ZERO_HASH if cancun else None,
        requests_hash=_EMPTY_REQUESTS if prague else None,
    )


def _block_0(
    root: bytes,
    coinbase: bytes,
    difficulty: int,
    gas_limit: int,
    timestamp: int,
    extra_data: bytes,
    *,
    parent_hash: bytes = ZERO_HASH,
    mix_hash: bytes = ZERO_HASH,
    nonce: bytes = bytes(8),
    **later: int | bytes | None,
) -> Header:
    return Header(
        parent_hash=parent_hash,
        ommers_hash=EMPTY_OMMERS,
        coinbase=coinbase,
        state_root=root,
        transactions_root=_EMPTY_ROOT,
        receipts_root=_EMPTY_ROOT,
        logs_bloom=bytes(256),
        difficulty=difficulty,
        number=0,
        gas_limit=gas_limit,
        gas_used=0,
        timestamp=timestamp,
        extra_data=extra_data,
        mix_hash=mix_hash,
        nonce=nonce,
        **later,  # type: ignore[arg-type]
    )


def _accounts(alloc: object) -> list[Allotted]:
    if not isinstance(alloc, Mapping):
        _refuse("alloc", "must be an object from address to account")
    found: dict[bytes, Allotted] = {}
    for key, entry in alloc.items():
        field = f"alloc.{key}"
        address = _bytes(field, key, 20)
        if address in found or not isinstance(entry, Mapping):
            _refuse(field, "stands twice" if address in found else "must be an object")
        _refuse_alike(f"{field}.", entry)
        found[address] = Allotted(
            address,
            _number(f"{field}.balance", entry.get("balance", 0)),
            _number(f"{field}.nonce", entry.get("nonce", 0), 64),
            _bytes(f"{field}.code", entry.get("code", "0x")),
            _storage(f"{field}.storage", entry.get("storage") or {}),
        )
    return list(found.values())


def _storage(field: str, value: object) -> tuple[tuple[bytes, bytes], ...]:
    if not isinstance(value, Mapping):
        _refuse(field, "must be an object from slot to word")
    found: dict[bytes, bytes] = {}
    for key, word in value.items():
        slot = _word(field, key)
        if slot in found:
            _refuse(f"{field}.{key}", "stands twice")
        found[slot] = _word(field, word)
    return tuple(found.items())


def _transitions(consensus: Consensus, config: Object) -> list[Object]:
    """The changes that the genesis orders for later blocks: Besu keeps them by consensus, GoQuorum in one list."""
    found = config.get("transitions") or []
    if isinstance(found, Mapping):
        found = _lower("config.transitions", found).get(consensus.value, [])
    if not isinstance(found, list):
        _refuse("config.transitions", "must be a list, or an object with lists")
    return [_lower(f"config.transitions[{at}]", each) for at, each in enumerate(found)]


def _period(field: str, section: Object, client: Client, default: int) -> int:
    if "xblockperiodmilliseconds" in section:
        return 0
    value = section.get("period", section.get("blockperiodseconds"))
    seconds = default if value is None else _number(f"{field}.period", value, _TIME_BITS)
    # GoQuorum takes 0 for not given.
    return default if client is Client.GOQUORUM and seconds == 0 else seconds


def _refuse_contract(field: str, section: Object) -> None:
    by_contract = str(section.get("validatorselectionmode", "")).lower() == "contract"
    address = section.get("validatorcontractaddress")
    if by_contract or (isinstance(address, str) and address.strip("0xX")):
        _refuse(
            f"{field}.validator{'selectionmode' if by_contract else 'contractaddress'}",
            "validators are chosen by a contract, so headers do not show who they are; pin blocks instead",
        )


def _at_genesis(config: Object, name: str, timestamp: int) -> bool:
    value = config.get(name)
    return value is not None and _number(f"config.{name}", value) <= timestamp


def _addresses(field: str, value: object) -> tuple[bytes, ...]:
    if not isinstance(value, list):
        _refuse(field, "must be a list of addresses")
    try:
        found = sorted({read_address(f"genesis.{field}[{at}]", each) for at, each in enumerate(value)})
    except HexError as error:
        raise GenesisError(str(error)) from None
    return tuple(found)


def _number(field: str, value: object, bits: int = 256) -> int:
    """A number as the engines accept it: an integer, or a text in decimal or hexadecimal digits."""
    match = _NUMBER.match(value) if isinstance(value, str) else None
    # Python reads no decimal text of over 4,300 digits.
    if match is not None and len(match["hex"] or match["decimal"]) <= _MOST_DIGITS:
        value = int(match["hex"], 16) if match["hex"] else int(match["decimal"])
    if value is None:
        _refuse(field, "is missing")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << bits:
        _refuse(field, f"must be a number of at most {bits} bits")
    return value


def _bytes(field: str, value: object, size: int | None = None) -> bytes:
    match = _HEX.match(value) if isinstance(value, str) else None
    if match is None or (size is not None and len(match[1]) != 2 * size):
        _refuse(field, f"must be {'' if size is None else f'{size} bytes in '}hexadecimal digits")
    return bytes.fromhex(match[1])


def _word(field: str, value: object) -> bytes:
    """A slot or word of storage, which may be written short."""
    return _number(field, value if not isinstance(value, str) or value[:2] == "0x" else f"0x{value}").to_bytes(
        32, "big"
    )


def _lower(field: str, value: object) -> Object:
    if not isinstance(value, Mapping):
        _refuse(field, "must be an object")
    _refuse_alike(f"{field}.", value)
    return {name.lower(): each for name, each in value.items()}


def _refuse_alike(path: str, value: Object) -> None:
    """Refuse names under `path` that differ only in case: the engines read them as one, and the last of them counts."""
    seen: set[str] = set()
    for name in value:
        if name.lower() in seen:
            _refuse(f"{path}{name}", "stands twice, in capitals and small letters")
        seen.add(name.lower())


def _agree(asked: Consensus | None, found: Consensus) -> None:
    if asked is not None and asked is not found:
        raise GenesisError(f"genesis: is of {found.value}, not of {asked.value}")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return result


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _refuse(field: str, rule: str) -> NoReturn:
    raise GenesisError(f"genesis.{field}: {rule}")
