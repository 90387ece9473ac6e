"""Names, amounts and clause words of the packs: not on the chain, not in a log, not with those who are no party."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from api.runner.run import SCENARIOS, Wish
from api.runner.session import ApiRefused
from api.settings import load_settings
from tests.scenarios import kit

pytestmark = pytest.mark.timeout(900)
PACKS = ("double-pledge", "e-fence", "pv-plant")
MONEY = ("limit", "amount", "sum")


def secrets_of(pack: kit.Body) -> tuple[set[str], set[int]]:
    """The words and the amounts of money that parties keep to themselves."""
    words: set[str] = set()
    for receipt in pack.get("receipts", {}).values():
        content = receipt["content"]
        words |= {
            content["receiptNo"],
            content["goods"]["name"],
            content["goods"]["marks"],
            content["storagePlace"]["site"],
        }
        words |= {unit["label"] for unit in receipt["units"]}
    for facility in pack.get("facilities", {}).values():
        words.add(facility["purpose"])
        words |= {text for rule in facility["rules"] for text in (rule["title"], *rule["clause"].values())}
    return words, set(_amounts(pack))


def names_of(pack: kit.Body) -> set[str]:
    parties = pack["parties"].values()
    return {party[key] for party in parties for key in ("name", "name_zh", "identifier", "address") if key in party}


def _amounts(part: object) -> Iterator[int]:
    if isinstance(part, dict):
        yield from (value for key, value in part.items() if key in MONEY and isinstance(value, int))
        for value in part.values():
            yield from _amounts(value)
    elif isinstance(part, list):
        for value in part:
            yield from _amounts(value)


def all_secrets() -> tuple[set[str], set[str], set[int]]:
    words: set[str] = set()
    names: set[str] = set()
    amounts: set[int] = set()
    for name in PACKS:
        pack = yaml.safe_load((SCENARIOS / f"{name}.yaml").read_text(encoding="utf-8"))
        found, money = secrets_of(pack)
        words, amounts, names = words | found, amounts | money, names | names_of(pack)
    return words, names, amounts


def chain_bytes(home: Path) -> bytes:
    """Inputs of all transactions, and topics and data of all logs, one after the other."""
    parts: list[str] = []
    with httpx.Client(base_url=load_settings(home).ledger.rpc_url, timeout=30) as node:
        blocks = int(rpc(node, [("eth_blockNumber", [])])[0], 16) + 1
        for first in range(0, blocks, 50):
            numbers = [hex(number) for number in range(first, min(first + 50, blocks))]
            for block in rpc(node, [("eth_getBlockByNumber", [number, True]) for number in numbers]):
                parts += [transaction["input"] for transaction in block["transactions"]]
            [logs] = rpc(node, [("eth_getLogs", [{"fromBlock": numbers[0], "toBlock": numbers[-1]}])])
            for log in logs:
                parts += [*log["topics"], log["data"]]
    return b"\n".join(bytes.fromhex(part[2:]) for part in parts)


def rpc(node: httpx.Client, calls: list[tuple[str, list[Any]]]) -> list[Any]:
    batch = [
        {"jsonrpc": "2.0", "id": at, "method": method, "params": params} for at, (method, params) in enumerate(calls)
    ]
    answers = {each["id"]: each["result"] for each in node.post("", json=batch).json()}
    return [answers[at] for at in range(len(calls))]


def in_bytes(data: bytes, words: set[str], amounts: set[int]) -> list[str | int]:
    """Which of them are there: words as UTF-8 in any case, amounts as text or as an integer of eight bytes."""
    lower = data.lower()
    found: list[str | int] = [word for word in sorted(words) if word.lower().encode() in lower]
    return found + [each for each in sorted(amounts) if each.to_bytes(8) in data or str(each).encode() in data]


def in_text(text: str, words: set[str], amounts: set[int]) -> list[str | int]:
    """Which of them are there: words in any case, amounts as a number of their own."""
    found: list[str | int] = [word for word in sorted(words) if word.lower() in text.lower()]
    return found + [each for each in sorted(amounts) if re.search(rf"(?<![0-9a-fx]){each}(?![0-9a-f])", text)]


@pytest.fixture(scope="module")
def quiet(stack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The e-fence up to the drawdown: all is agreed, no device has spoken. The pack as it was played."""

    def only_agree(pack: kit.Body) -> None:
        pack["steps"] = pack["steps"][:7]
        pack["expect"] = {"states": [{"facility": "loan", "field": "held", "equals": False}]}

    folder = tmp_path_factory.mktemp("quiet")
    pack = kit.copied("e-fence", folder, "quiet", only_agree)
    outcome = kit.perform(stack, pack, folder / "out", Wish())
    assert kit.failed(outcome) == []
    return pack


def ids_of(home: Path, pack: Path) -> dict[str, str]:
    """The newest records, as the lender knows them, by the names that paths give them."""
    with kit.member_of(home, pack, "bank") as (_, session):
        kinds = {"receipt_id": "receipts", "facility_id": "facilities", "pledge_id": "pledges", "cover_id": "covers"}
        found = {name: session.get(f"/v1/{kind}")["items"][0]["id"] for name, kind in kinds.items()}
        return {**found, "draft_id": session.get("/v1/drafts")["items"][0]["id"], "number": "1"}


def answers_to(home: Path, pack: str | Path, party: str, ids: dict[str, str]) -> dict[str, str]:
    """Every answer that a party gets, by path: of lists, and of the records with those ids."""
    with kit.member_of(home, pack, party) as (stage, session):
        paths = stage.api.get("/v1/openapi.json").json()["paths"]
        found: dict[str, str] = {}
        for path in [
            path for path, verbs in paths.items() if "get" in verbs and path.startswith("/v1/") and path != "/v1/live"
        ]:
            filled = path
            for name, value in ids.items():
                filled = filled.replace(f"{{{name}}}", value)
            if "{" not in filled:
                try:
                    found[path] = session.download(filled).decode(errors="replace")
                except ApiRefused as error:
                    found[path] = str(error)
        return found


def test_the_lender_reads_what_is_secret(stack: Path, quiet: Path) -> None:
    words, amounts = secrets_of(yaml.safe_load(quiet.read_text()))
    everything = "\n".join(answers_to(stack, quiet, "bank", ids_of(stack, quiet)).values())
    assert len(in_text(everything, words, amounts)) > 10


@pytest.mark.parametrize(
    ("pack", "party"), [("double-pledge", "bank-b"), ("double-pledge", "other-keeper"), ("e-fence", "inspector")]
)
def test_who_is_no_party_reads_nothing_before_the_trigger(stack: Path, quiet: Path, pack: str, party: str) -> None:
    words, amounts = secrets_of(yaml.safe_load(quiet.read_text()))
    answers = answers_to(stack, pack, party, ids_of(stack, quiet))
    assert len(answers) > 20
    leaks = {path: in_text(text, words, amounts) for path, text in answers.items()}
    assert {path: found for path, found in leaks.items() if found} == {}


def test_the_regulator_reads_no_terms_before_the_trigger(stack: Path, quiet: Path) -> None:
    pack = yaml.safe_load(quiet.read_text())
    words = {text for rule in pack["facilities"]["loan"]["rules"] for text in (rule["title"], *rule["clause"].values())}
    answers = answers_to(stack, quiet, "regulator", ids_of(stack, quiet))
    leaks = {path: in_text(text, words, set(_amounts(pack["facilities"]))) for path, text in answers.items()}
    assert {path: found for path, found in leaks.items() if found} == {}


@pytest.fixture(scope="module")
def chain(stack: Path, quiet: Path) -> bytes:
    return chain_bytes(stack)


def test_the_chain_holds_no_name_no_amount_and_no_word_of_a_clause(chain: bytes) -> None:
    words, names, amounts = all_secrets()
    assert in_bytes(chain, words | names, amounts) == []


def test_the_chain_holds_quantities_in_clear_so_the_search_finds_what_is_there(chain: bytes) -> None:
    assert in_bytes(chain, set(), {24560}) == [24560]


def test_no_log_file_holds_a_name_an_amount_or_a_word_of_a_clause(stack: Path, quiet: Path) -> None:
    words, names, amounts = all_secrets()
    logs = {path.name: path.read_text(errors="replace") for path in (stack / "logs").iterdir()}
    assert {"api.log", "ledger.log", "oracle-1.log", "indexer.log"} <= set(logs)
    leaks = {name: in_text(text, words | names, amounts) for name, text in logs.items()}
    assert {name: found for name, found in leaks.items() if found} == {}
