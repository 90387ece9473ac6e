"""Every kind of field that docs/formats/ledger.md names, altered in the storage of a running anvil and put back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from api.settings import load_settings
from ledger_node.client import ChainClient
from ledger_node.deploy import load_addresses
from ledger_node.hexvalues import address_hex
from registry.acts import Contract
from registry.audit import rebuild
from registry.deployment import deployment_of, first_block
from registry.expectations import Expectation, expectations
from registry.items import Oracles
from tests.scenarios import kit

Place = tuple[str, str, str]
"""Contract, whose part it is, and the field: what a difference is named by."""
_WORDS = re.compile(r"^## Words\n(.*?)^## ", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(
    rf"\b(?P<contract>{'|'.join(Contract)})\b"
    r"|(?P<low>\d+)-(?P<high>\d+)\b"
    r"|\b(?P<whole>\w+Root)\b|\b(?P<states>instalment|claim)States\b"
)


@dataclass(frozen=True, slots=True)
class Documented:
    """What ledger.md says is in the storage of a contract: bits of words, and slots by their names."""

    bits: frozenset[tuple[str, int, int]]
    names: frozenset[tuple[str, str]]
    contracts: frozenset[str]


def documented() -> Documented:
    """The fields in the section "Words" of ledger.md."""
    found = _WORDS.search((kit.ROOT / "docs" / "formats" / "ledger.md").read_text(encoding="utf-8"))
    assert found is not None
    bits, names, contracts, contract = set(), set(), set(), ""
    for each in _NAMED.finditer(found[1]):
        contract = each["contract"] or contract
        contracts.add(contract)
        if each["low"]:
            bits.add((contract, int(each["low"]), int(each["high"])))
        elif not each["contract"] and each.start() > found[1].index("Further storage"):
            names.add((contract, each["whole"] or each["states"]))
    owners = re.findall(r"^\| \w+ \((\w+)\) \|", found[1], re.MULTILINE)
    heads = {(contract, "head") for contract in owners if contract in set(Contract)}
    return Documented(frozenset(bits), frozenset(names | heads | {("AttestationHub", "root")}), frozenset(contracts))


def kind_of(field: str) -> str:
    """The name of a field without numbers: of `instalment 3` it is `instalment`."""
    return field.split(" ")[0]


class Anvil:
    """The node by its own JSON-RPC."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=60)

    def ask(self, method: str, *params: object) -> Any:
        """The result of a call."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = self._http.post("", json=body).json()
        assert "error" not in answer, answer
        return answer.get("result")


class Storage:
    """One field of each kind that the events determine: where it is, and how it is named."""

    def __init__(self, url: str, home: Path) -> None:
        self._anvil = Anvil(url)
        settings = load_settings(home)
        addresses = load_addresses(settings.contracts.addresses_file)
        self._deployment = deployment_of(addresses)
        client = ChainClient(settings.ledger.rpc_url)
        state, _ = rebuild(client, self._deployment, first_block(addresses), client.block_number())
        self._flips: list[tuple[Contract, int, int]] = []
        self.places: set[Place] = set()
        self.bits: set[tuple[str, int, int]] = set()
        self.names: set[tuple[str, str]] = set()
        kinds: set[tuple[str, str, int]] = set()
        for each in expectations(state, self._deployment):
            self._choose(each, kinds)
        sets = [item for item in state.values() if isinstance(item, Oracles)]
        self._oracles = max(sets, key=lambda each: each.epoch)
        self.places.add((Contract.HUB.value, f"oracles {self._oracles.epoch}", "data contract"))

    def _choose(self, each: Expectation, kinds: set[tuple[str, str, int]]) -> None:
        """Takes those fields of a slot of whose kind there is none yet."""
        contract, flip = each.contract.value, 0
        for field, (low, high) in each.fields.items():
            kind = (contract, kind_of(field), low)
            if kind not in kinds:
                kinds.add(kind)
                self.names.add((contract, kind_of(field)))
                self.bits.add((contract, low, high))
                self.places.add((contract, each.id, field))
                flip |= 1 << low
        if flip:
            self._flips.append((each.contract, each.slot, flip))

    @contextmanager
    def altered(self) -> Iterator[None]:
        """All of them set to something else; the old words after it."""
        old: list[tuple[str, str, str]] = []
        for contract, slot, flip in self._flips:
            place = address_hex(self._deployment.addresses[contract]), f"{slot:#066x}"
            word = int(self._anvil.ask("eth_getStorageAt", *place, "latest"), 16)
            old.append((*place, f"{word:#066x}"))
            self._anvil.ask("anvil_setStorageAt", *place, f"{word ^ flip:#066x}")
        data = address_hex(self._oracles.data)
        code = str(self._anvil.ask("eth_getCode", data, "latest"))
        self._anvil.ask("anvil_setCode", data, code[:-1] + ("1" if code[-1] == "0" else "0"))
        yield
        for each in old:
            self._anvil.ask("anvil_setStorageAt", *each)
        self._anvil.ask("anvil_setCode", data, code)
