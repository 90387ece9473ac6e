"""A short story told through the interface itself, once a test run; tests go on from copies of where it ends.

A receipt is issued, a facility opened, insured and drawn on, the receipt pledged. A rule holds the facility, another
defers an instalment, a third opens a claim; a second pledge of the same receipt is refused.
"""

from dataclasses import dataclass
from pathlib import Path

from eth_abi.abi import encode

from ledger_node.hexvalues import read_data
from ledger_node.merkle import PaddedTree
from oracle.formats.fields import Fields
from oracle.formats.rule import Rule, rule_from_json
from tests.api.app_kit import Api, found, start
from tests.api.contents import cover_request, facility_request, issue_request, pledge_terms
from tests.api.seed import BANK, INSURER, KEEPER, OTHER_BANK, OWNER, copy_folder, observed

HELD_AT = 1_790_003_600_000
"""Event time (ms) of what held the facility."""


@dataclass(frozen=True)
class Story:
    """Where the story ends: its folder, its chain, and the ids of what it made."""

    folder: Path
    chain: object
    receipt: str
    facility: str
    pledge: str
    cover: str
    before_hold: int

    def copy(self, folder: Path, **section: object) -> Api:
        """An application that goes on from here in a folder of its own."""
        copy_folder(self.folder, folder)
        return start(folder, self.chain.copied(folder), **section)


def tell(folder: Path) -> Story:
    api = found(folder)
    receipt = api.act(issue_request(OWNER, KEEPER), OWNER, KEEPER)
    facility = api.act(facility_request(BANK, OWNER), BANK, OWNER)
    cover = api.act(cover_request(INSURER, BANK, facility), INSURER, BANK, OWNER)
    request = {"act": "pledge", "receipt": receipt, "facility": facility, "terms": pledge_terms()}
    pledge = api.act({**request, "pledgee": BANK}, OWNER, KEEPER, BANK)
    amount = {"minor": 40_000_019, "currency": "CNY"}
    api.act({"act": "drawdown", "facility": facility, "amount": amount}, BANK, OWNER)
    before_hold = api.chain.consortium.client.block_number()
    rules = rules_of(api, facility)
    fire(api, facility, rules, 0, HELD_AT)
    fire(api, facility, rules, 1, HELD_AT + 60_000, deferral(api, facility))
    fire(api, facility, rules, 2, HELD_AT + 120_000, encode(["bytes32"], [read_data("cover", cover)]))
    second = api.sign(api.draft(OWNER, {**request, "pledgee": OTHER_BANK}), OWNER, KEEPER, OTHER_BANK)
    sent = api.submit(OTHER_BANK, second, fixed_gas=2_000_000)
    assert api.get(OTHER_BANK, sent.headers["location"]).json()["state"] == "refused"
    api.catch_up()
    api.close()
    return Story(folder, api.chain, receipt, facility, pledge, cover, before_hold)


def rules_of(api: Api, facility: str, lender: int = BANK) -> list[Rule]:
    """The rules of a facility, from its draft."""
    extras = api.get(lender, f"/v1/drafts/{facility}").json()["extras"]
    rows = [({name: each for name, each in row.items() if name != "clause"}, row["clause"]) for row in extras["rules"]]
    return [
        rule_from_json(Fields(row, "rule"), at, read_data("clause", clause)) for at, (row, clause) in enumerate(rows)
    ]


def fire(api: Api, facility: str, rules: list[Rule], at: int, slot: int, data: bytes = b"") -> None:
    """What each condition of a rule asks for is observed in consecutive periods, and the rule is executed."""
    runs = [
        [
            observed(condition, slot + number * condition.period_ms, condition.threshold + 1)
            for number in range(condition.count)
        ]
        for condition in rules[at].conditions
    ]
    api.chain.fire(read_data("facility", facility), rules, at, runs, data)


def deferral(api: Api, facility: str) -> bytes:
    """The actionData of a deferral of instalment 1."""
    rows = api.get(BANK, f"/v1/drafts/{facility}").json()["extras"]["schedule"]
    kinds = ["uint16", "uint64", "uint64", "bytes32"]
    leaves = [
        (row["ordinal"], row["periodStartMs"], row["dueMs"], read_data("amountHash", row["amountHash"])) for row in rows
    ]
    tree = PaddedTree([encode(kinds, leaf) for leaf in leaves])
    return encode([*kinds, "bytes32[]"], [*leaves[1], tree.proof(1)])
