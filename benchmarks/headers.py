"""Following headers of validators, beside the bare signature checks; and a bundle believed from a checkpoint.

The chains are made here from keys of their own: six validators of QBFT, four seals a header; four signers of Clique.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from benchmarks.bundles import BUNDLES, DATA, TRUST
from benchmarks.consortium import BenchmarkError
from benchmarks.primitives import watch
from benchmarks.result import Result, Sizes, both, processor_seconds
from ledger_node.consensus.clique import IN_TURN
from ledger_node.consensus.follow import start
from ledger_node.consensus.header_file import verify_headers
from ledger_node.consensus.qbft import Extra, quorum
from ledger_node.consensus.rules import EMPTY_OMMERS, ZERO_HASH, Client, Consensus, Rules
from ledger_node.hashing import keccak256
from ledger_node.headers import QBFT_MIX_HASH, Header, header_json
from ledger_node.secp256k1 import address_of, sign65
from ledger_node.tries import ordered_root
from ledger_node.trust import Engine, Trust, parse_trust
from registry.evidence.bundle import Bundle
from registry.evidence.bundle_file import dump_bundle, load_bundle
from registry.evidence.verify import verify_bundle

GOAL = 1_000.0
"""Headers a second with four seals each."""
VALIDATORS, SIGNERS = 6, 4
_EMPTY = ordered_root(())
_TIMES = 10
_LEAD = 20
"""Headers between the checkpoint and the bundle's block."""


def run(folder: Path, sizes: Sizes) -> Iterator[Result]:
    """Headers a second of processor time, then milliseconds a bundle."""
    del folder
    for name, made in (("qbft", qbft_chain), ("clique", clique_chain)):
        rules, headers = made(max(sizes.segments // 4, 4))
        yield _followed(name, rules, headers, sizes)
    for name, made in (("qbft", qbft_chain), ("clique", clique_chain)):
        yield _bundle(name, *made(0), sizes)


def _followed(name: str, rules: Rules, headers: list[Header], sizes: Sizes) -> Result:
    text = json.dumps({"headers": [header_json(each) for each in headers]}).encode()

    def check() -> None:
        outcome = verify_headers(text, rules)
        if not outcome.ok:
            raise BenchmarkError(f"headers of {name}: {outcome.failure}")

    done = watch(check)
    whole, bare = both(sizes.rounds, lambda: processor_seconds(check), lambda: processor_seconds(done.recover))
    count = len(headers) - 1
    seals = len(done.recoveries) // count
    what = f"headers of {name} followed from the file of {len(text) >> 10} KiB, {seals} seals each"
    goal = GOAL if name == "qbft" else None
    return Result(
        f"headers.{name}", what, count / whole, "headers/s", "their signature checks alone", count / bare, goal
    )


def _bundle(name: str, rules: Rules, headers: list[Header], sizes: Sizes) -> Result:
    """A bundle whose block is some headers after the verifier's checkpoint, votes and seals of all of them checked."""
    trust, text = validators_bundle(name, rules, headers[0])

    def check() -> None:
        verdict = verify_bundle(text, trust)
        if not verdict.ok:
            failed = verdict.steps[-1]
            raise BenchmarkError(f"the {name} bundle fails at step {failed.name.value}: {failed.says}")

    done = watch(check)
    whole, bare = both(
        sizes.rounds, lambda: processor_seconds(_often(check)), lambda: processor_seconds(_often(done.run))
    )
    what = (
        f"{BUNDLES['action']}; {name} validators followed {_LEAD} blocks from a checkpoint: {len(text)} bytes verified"
    )
    against = f"its {done.hashed} hashes and {done.checked} signature checks alone"
    return Result(f"headers.bundle.{name}", what, 1000 * whole / _TIMES, "ms", against, 1000 * bare / _TIMES)


def _often(work: Callable[[], None]) -> Callable[[], None]:
    def repeated() -> None:
        for _ in range(_TIMES):
            work()

    return repeated


def validators_bundle(name: str, rules: Rules, genesis: Header) -> tuple[Trust, bytes]:
    """The action bundle of the benchmarks as a chain of validators would have sealed it, and a trust file for it."""
    embedded = parse_trust(TRUST.read_bytes())
    bundle = load_bundle((DATA / "action.bundle.json").read_bytes())
    number = bundle.header.number
    root = {number: bundle.header.state_root}
    base = number - _LEAD - 1
    tip = replace(genesis, number=base, timestamp=bundle.header.timestamp - _LEAD - 1)
    after = 3 if name == "clique" else 0
    seal = _seal_clique if name == "clique" else _seal_qbft
    run_: list[Header] = [tip]
    for at in range(base + 1, number + after + 1):
        child = _child(run_[-1], root.get(at, _EMPTY))
        run_.append(seal(child))
    followed = start(rules, genesis)
    known = replace(followed, tip=replace(followed.tip, number=base, hash=tip.hash(), timestamp=tip.timestamp))
    trust = Trust(
        Engine(name), embedded.chain_id, genesis.hash(), contracts=embedded.contracts, rules=rules, checkpoint=known
    )
    at = _LEAD + 1
    whole: Bundle = replace(bundle, seal=None, header=run_[at], before=tuple(run_[1:at]), after=tuple(run_[at + 1 :]))
    return trust, dump_bundle(whole)


def qbft_chain(count: int) -> tuple[Rules, list[Header]]:
    """The rules of a QBFT chain, and its headers 0 to `count`."""
    extra = Extra(bytes(32), _members(VALIDATORS), None, 0, ())
    genesis = _genesis(QBFT_MIX_HASH, extra.encoded())
    rules = Rules(Consensus.QBFT, 7, genesis.hash(), genesis, Client.BESU)
    headers = [genesis]
    for _ in range(count):
        headers.append(_seal_qbft(_child(headers[-1], _EMPTY)))
    return rules, headers


def clique_chain(count: int) -> tuple[Rules, list[Header]]:
    """The rules of a Clique chain, and its headers 0 to `count`, each sealed in turn."""
    genesis = _genesis(ZERO_HASH, bytes(32) + b"".join(_members(SIGNERS)) + bytes(65))
    rules = Rules(Consensus.CLIQUE, 7, genesis.hash(), genesis)
    headers = [genesis]
    for _ in range(count):
        headers.append(_seal_clique(_child(headers[-1], _EMPTY)))
    return rules, headers


def _key(number: int) -> bytes:
    return keccak256(b"cangdan bench %d" % number)


@cache
def _ordered(count: int) -> tuple[bytes, ...]:
    """Keys in the order of their addresses."""
    return tuple(sorted((_key(number) for number in range(count)), key=address_of))


@cache
def _members(count: int) -> tuple[bytes, ...]:
    return tuple(address_of(key) for key in _ordered(count))


def _sign(key: bytes, digest: bytes) -> bytes:
    signature = sign65(key, digest)
    return signature[:64] + bytes([signature[64] - 27])


def _genesis(mix_hash: bytes, extra_data: bytes) -> Header:
    roots = (_EMPTY, _EMPTY, _EMPTY, bytes(256))
    return Header(ZERO_HASH, EMPTY_OMMERS, bytes(20), *roots, 1, 0, 30_000_000, 0, 0, extra_data, mix_hash, bytes(8))


def _child(parent: Header, state_root: bytes) -> Header:
    return replace(
        parent,
        parent_hash=parent.hash(),
        state_root=state_root,
        number=parent.number + 1,
        timestamp=parent.timestamp + 1,
    )


def _seal_qbft(header: Header) -> Header:
    keys = _ordered(VALIDATORS)
    extra = Extra(bytes(32), _members(VALIDATORS), None, 0, ())
    bare = replace(header, coinbase=extra.validators[header.number % VALIDATORS], extra_data=extra.encoded())
    digest = keccak256(bare.encoded())
    seals = tuple(_sign(key, digest) for key in keys[: quorum(VALIDATORS)])
    return replace(bare, extra_data=replace(extra, seals=seals).encoded())


def _seal_clique(header: Header) -> Header:
    bare = replace(header, difficulty=IN_TURN, extra_data=bytes(32))
    seal = _sign(_ordered(SIGNERS)[header.number % SIGNERS], keccak256(bare.encoded()))
    return replace(bare, extra_data=bare.extra_data + seal)
