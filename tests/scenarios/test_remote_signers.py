"""A pack on a stack whose operator, a member and an oracle have no key: signers elsewhere sign for them."""

from __future__ import annotations

import threading
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import tomli_w
from eth_account import Account

from api.runner.pack import load
from api.runner.private import private_stack
from api.runner.results import Outcome
from api.runner.run import find
from ledger_node.hexvalues import address_hex
from ledger_node.keys import WORK_OF_GENERATED, LocalSigner, new_passphrase
from tests.ledger_node.test_remote_signer import signing
from tests.scenarios import kit

pytestmark = pytest.mark.timeout(900)
PACK, MEMBER, ORACLE = "e-fence", "bank", "oracle-2"
DIGEST = "0xca5ac2d58e0920352db5d4915e3ac605eb703d7d3b69f94aa66fcc0ab8724659"
"""What `cangdan audit digest` says after the pack with key files: `scenario run e-fence` and a new stack."""
AWAY_S, BACK_S = 2.0, 6.0
METHODS = ("eth_signTransaction", "eth_signTypedData", "eth_sign")


@dataclass(frozen=True, slots=True)
class Played:
    """The running product after the pack, and the folders of the signers of office and oracle."""

    home: Path
    outcome: Outcome
    member: Path
    office: Path
    room: Path

    def secrets(self) -> tuple[set[bytes], set[bytes]]:
        """All private keys of signers and product, as bytes, and all passphrases."""
        keys: set[bytes] = set()
        passphrases: set[bytes] = set()
        for folder in (self.home, self.office, self.room):
            for file in folder.rglob("*.json"):
                for lock in (file.with_suffix(".pass"), file.with_name("passphrase")):
                    if lock.exists():
                        keys.add(bytes(Account.decrypt(file.read_text(), lock.read_text().strip())))
                        passphrases.add(lock.read_bytes().strip())
        return keys, passphrases


def keys_in(folder: Path, count: int) -> list[LocalSigner]:
    folder.mkdir()
    new_passphrase(folder / "passphrase")
    made = [LocalSigner.generate() for _ in range(count)]
    for number, signer in enumerate(made):
        signer.save(folder / f"{number}.json", folder / "passphrase", WORK_OF_GENERATED)
    return made


@contextmanager
def often_away(folder: Path) -> Iterator[None]:
    """The signer of a folder answers nobody for a while, again and again; each time somebody asks it in vain."""
    stop, manner = threading.Event(), folder / "manner"

    def in_vain() -> int:
        return (folder / "asked").read_text().splitlines().count("away")

    def switch() -> None:
        while not stop.wait(BACK_S):
            before = in_vain()
            manner.write_text("away")
            while in_vain() == before and not stop.wait(0.1):
                pass
            stop.wait(AWAY_S)
            manner.unlink()

    thread = threading.Thread(target=switch)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """The pack once, while the oracle's signer is often away."""
    folder = tmp_path_factory.mktemp("signers")
    operator, bank = keys_in(folder / "office", 2)
    (oracle,) = keys_in(folder / "room", 1)
    who = load(find(PACK)).parties[MEMBER]
    seat = Path("members") / f"{who.kind}-{who.identifier.lower()}"
    with signing(folder / "office") as office, signing(folder / "room") as room:

        def prepare(home: Path) -> None:
            settings = tomllib.loads((home / "cangdan.toml").read_text())
            patient = {"timeout_seconds": 60}
            settings["contracts"] = {
                "operator_signer": {"url": office, "account": address_hex(operator.address), **patient}
            }
            section = next(each for each in settings["oracles"] if each["name"] == ORACLE)
            section["signer"] = {"url": room, "account": address_hex(oracle.address), **patient}
            (home / "cangdan.toml").write_text(tomli_w.dumps(settings))
            (home / seat).mkdir(parents=True, mode=0o700)
            text = tomli_w.dumps({"url": office, "account": address_hex(bank.address), **patient})
            (home / seat / "signer.toml").write_text(text)

        with private_stack(prepare=prepare) as (home, _):
            with often_away(folder / "room"):
                outcome = kit.perform(home, PACK, folder / "out")
            yield Played(home, outcome, home / seat, folder / "office", folder / "room")


def test_coils_that_leave_without_an_order_hold_the_loan_whoever_holds_the_keys(played: Played) -> None:
    assert kit.failed(played.outcome) == []
    assert kit.seen(played.outcome, "actions on loan") == "alone-2 review x1, theft-1 hold x1"
    assert kit.digest_of(played.home) == DIGEST


def test_operator_member_and_oracle_had_everything_signed_elsewhere(played: Played) -> None:
    for file in ("keys/operator.json", f"keys/{ORACLE}.json", str(played.member / "key.json")):
        assert not (played.home / file).exists()
    for folder in (played.office, played.room):
        asked = Counter((folder / "asked").read_text().splitlines())
        assert all(asked[method] for method in METHODS), asked
    assert Counter((played.room / "asked").read_text().splitlines())["away"]


def test_no_key_and_no_passphrase_is_in_an_argument_a_variable_or_a_log(played: Played) -> None:
    keys, passphrases = played.secrets()
    assert len(keys) >= 10
    spelt = keys | passphrases | {key.hex().encode() for key in keys} | {key.hex().upper().encode() for key in keys}
    shown: dict[str, bytes] = {}
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            with suppress(OSError):
                shown[f"{process.name}/{name}"] = (process / name).read_bytes()
    assert sum(str(played.home).encode() in text for text in shown.values()) >= 7
    logs = [each for each in (played.home / "logs").rglob("*") if each.is_file()]
    assert len(logs) >= 7
    shown |= {str(log): log.read_bytes() for log in logs}
    assert [place for place, text in shown.items() if any(secret in text for secret in spelt)] == []


def test_no_key_lies_open_in_any_file_and_a_passphrase_only_in_its_own(played: Played) -> None:
    keys, passphrases = played.secrets()
    files = {each: each.read_bytes() for each in played.home.rglob("*") if each.is_file()}
    plain = keys | {key.hex().encode() for key in keys}
    assert [each for each, text in files.items() if any(key in text for key in plain)] == []
    with_words = {each.suffix for each, text in files.items() if any(words in text for words in passphrases)}
    assert with_words <= {".pass"}
