"""Who sealed a run of headers, and whose turn passed: what headers show by themselves."""

from dataclasses import replace
from typing import Any

import pytest

from ledger_node.consensus.rules import Consensus
from ledger_node.consensus.turns import Sealed, Turns, turns
from ledger_node.headers import read_header
from tests.ledger_node.consensus.chains import Block, Chain, CliqueChain, QbftChain, address, by_address, sign


def run(chain: Chain, since: int = 1) -> list[Sealed]:
    return [sealed(block) for block in chain.blocks[since:]]


def sealed(block: Block) -> Sealed:
    names = set(block) - {"hash", "size", "totalDifficulty", "transactions", "uncles"}
    header = read_header({name: value for name, value in block.items() if name in names})
    return Sealed(header, header.hash(), None)


def missed(told: Turns) -> dict[bytes, Any]:
    return {each.address: each.missed for each in told.sealers}


def test_no_headers_say_nothing() -> None:
    with pytest.raises(ValueError, match="at least one header"):
        turns([])


def test_of_a_header_without_a_seal_nobody_is_named() -> None:
    block = CliqueChain(1).rounds(1).blocks[1]
    bare = sealed(block)
    told = turns([replace(bare, header=replace(bare.header, extra_data=b""))])
    assert (told.consensus, told.unread, told.sealers) == (None, 1, ())


def test_a_clique_seal_that_cannot_be_read_counts_for_nobody() -> None:
    found = run(CliqueChain(1, 2, 3, 4).rounds(12))
    broken = found[5]
    extra = broken.header.extra_data[:-1] + b"\x07"
    found[5] = replace(broken, header=replace(broken.header, extra_data=extra))
    told = turns(found)
    assert (told.unread, sum(each.blocks for each in told.sealers)) == (1, 11)


def test_clique_signers_that_all_seal_in_turn_miss_none() -> None:
    told = turns(run(CliqueChain(1, 2, 3, 4).rounds(12)))
    assert (told.consensus, told.members, told.late) == (Consensus.CLIQUE, 4, 0)
    assert {each.address: (each.blocks, each.missed) for each in told.sealers} == {
        address(each): (3, 0) for each in (1, 2, 3, 4)
    }


def test_a_clique_signer_that_stops_is_named_with_the_turns_it_missed() -> None:
    chain = CliqueChain(1, 2, 3, 4).rounds(8)
    dead = by_address(1, 2, 3, 4)[2]
    for _ in range(12):
        chain.seal(next(each for each in chain.free() if each != dead))
    told = turns(run(chain))
    assert told.members == 4
    assert missed(told) == {address(each): 3 if each == dead else 0 for each in (1, 2, 3, 4)}


def test_a_clique_signer_that_never_seals_is_missed_by_number_though_not_by_name() -> None:
    chain = CliqueChain(1, 2, 3, 4)
    dead = by_address(1, 2, 3, 4)[1]
    for _ in range(12):
        chain.seal(next(each for each in chain.free() if each != dead))
    told = turns(run(chain))
    assert told.members == 4
    assert told.late >= 3
    assert address(dead) not in missed(told)
    assert set(missed(told).values()) == {0}


def test_qbft_tells_proposers_seals_and_who_let_a_round_pass() -> None:
    order = by_address(1, 2, 3, 4)
    chain = QbftChain(*order)
    chain.seal(proposer=order[0])
    chain.seal(proposer=order[1])
    chain.seal(proposer=order[3], round_=1)
    told = turns(run(chain))
    assert (told.consensus, told.members, told.late) == (Consensus.QBFT, 4, 1)
    assert missed(told) == {address(each): int(each == order[2]) for each in order}
    assert {each.address: each.last for each in told.sealers} == {
        address(order[0]): 1, address(order[1]): 2, address(order[2]): None, address(order[3]): 3,
    }  # fmt: skip
    assert [each.seals for each in sorted(told.sealers, key=lambda each: each.address)] == [3, 3, 3, 0]


def test_rounds_that_do_not_fit_the_ring_accuse_nobody() -> None:
    order = by_address(1, 2, 3, 4)
    chain = QbftChain(*order)
    chain.seal(proposer=order[0])
    chain.seal(proposer=order[0], round_=1)
    told = turns(run(chain))
    assert told.late == 1
    assert set(missed(told).values()) == {0}


def test_the_embedded_ledger_s_sealer_is_recovered_from_the_seal() -> None:
    block = sealed(CliqueChain(1).rounds(1).blocks[1])
    signature = sign(1, block.hash)
    told = turns([replace(block, seal=signature[:64] + bytes([signature[64] + 27]))])
    assert (told.consensus, told.members) == (Consensus.EMBEDDED, 1)
    assert [(each.address, each.blocks, each.missed) for each in told.sealers] == [(address(1), 1, 0)]
