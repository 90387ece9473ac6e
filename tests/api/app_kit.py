"""What the tests of the HTTP interface share: members with keys, an application over real SQLite, tokens."""

import secrets
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import ECKey

from api.acts.calls import Call
from api.app import Chain, create_app, make_services
from api.config import ApiSection
from api.members import Client, Member, MembersFile, User, save
from api.problems import ProblemError
from api.security.passwords import hash_password
from api.security.roles import Role
from api.security.tokens import ASSERTION_TYPE
from api.services import Services
from ledger_node.abi import RevertCause
from ledger_node.hashing import keccak256
from ledger_node.hexvalues import data_hex, read_data
from ledger_node.keys import WORK_OF_GENERATED, new_passphrase
from ledger_node.outbox import Sent, Status
from registry.items import Item, Key, Kind
from tests.api.contents import pledge_terms
from tests.api.seed import (
    BANK,
    DEPLOYMENT,
    INSPECTOR,
    INSURER,
    KEEPER,
    OTHER_BANK,
    OWNER,
    PLEDGE,
    REGULATOR,
    pledge,
    receipt,
    signer,
    state,
)

BASE = "http://testserver"
PASSWORD = "correct horse battery"
KINDS = {
    BANK: Role.BANK,
    OTHER_BANK: Role.BANK,
    KEEPER: Role.KEEPER,
    INSURER: Role.INSURER,
    OWNER: Role.DEPOSITOR,
    INSPECTOR: Role.INSPECTOR,
    REGULATOR: Role.REGULATOR,
}


@dataclass
class Clock:
    """A clock that the test moves; milliseconds."""

    now: int = 1_790_000_000_000

    def now_ms(self) -> int:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += int(seconds * 1000)


@dataclass
class RecordedSending:
    """Stands where the outboxes stand: remembers what was sent, and is told what became of it."""

    sent: dict[str, Sent] = field(default_factory=dict)
    calls: list[tuple[int, Call, int | None]] = field(default_factory=list)
    refusal: ProblemError | None = None

    def submit(self, entity: int, key: str, call: Call, gas: int | None) -> Sent:
        if key not in self.sent:
            if self.refusal and gas is None:
                raise self.refusal
            self.calls.append((entity, call, gas))
            self.sent[key] = Sent(key, Status.SUBMITTED, keccak256(key.encode()), 0, None, None, None, None)
        return self.sent[key]

    def find(self, entity: int, key: str) -> Sent | None:
        return self.sent.get(key)

    def settle(self, key: str, status: Status, cause: RevertCause | None = None) -> None:
        self.sent[key] = replace(self.sent[key], status=status, block_number=12, gas_used=90_000, cause=cause)


@cache
def client_key(name: str) -> ECKey:
    return ECKey.generate_key("P-256")


@cache
def password_hash() -> str:
    return hash_password(PASSWORD)


def member(entity: int) -> Member:
    kind = KINDS[entity]
    return Member(
        entity=entity,
        kind=kind,
        name=f"Name of {kind.value} {entity}",
        key_file=Path(f"keys/{entity}.json"),
        users=tuple(
            User(login=f"{who}-{entity}", name=f"Person {who} {entity}", password_hash=password_hash())
            for who in ("ada", "bo")
        ),
        clients=tuple(
            Client(client_id=name, jwks=(client_key(name).as_dict(private=False),))
            for name in (f"client-{entity}", f"second-{entity}")
        ),
    )


@dataclass
class Api:
    """A running application with its clock and its folder."""

    services: Services
    http: TestClient
    clock: Clock
    folder: Path
    book: dict[Key, Item] = field(default_factory=state)
    sending: RecordedSending = field(default_factory=RecordedSending)

    pledge_id = data_hex(PLEDGE)

    def assertion(self, entity: int, who: str = "client", **changes: object) -> str:
        now = self.clock.now_ms() // 1000
        name = f"{who}-{entity}"
        claims = {
            "iss": name, "sub": name, "aud": f"{BASE}/oauth2/token", "iat": now, "exp": now + 60,
            "jti": secrets.token_hex(8), **changes,
        }  # fmt: skip
        return jwt.encode({"alg": "ES256"}, claims, client_key(name), algorithms=["ES256"])

    def ask_token(self, assertion: str, **more: str) -> object:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            **more,
        }
        return self.http.post("/oauth2/token", data=form)

    def token(self, entity: int, who: str = "client", **more: str) -> str:
        return self.ask_token(self.assertion(entity, who), **more).json()["access_token"]

    def post(self, entity: int, path: str, body: object, client: str = "client"):
        return self.http.post(path, json=body, headers=self.headers(entity, client))

    def get(self, entity: int, path: str):
        return self.http.get(path, headers={"Authorization": f"Bearer {self.token(entity)}"})

    def headers(self, entity: int, who: str = "client") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(entity, who)}", "Idempotency-Key": secrets.token_hex(8)}

    def restarted(self) -> "Api":
        """The same folder served by a new process."""
        return start(self.folder, self.clock, self.book)

    def pledge_receipt(self) -> None:
        """As if the chain had the receipt pledged to the bank."""
        self.book[Key(Kind.PLEDGE, PLEDGE)] = pledge()

    def adopt(self, draft: dict) -> None:
        """As if the chain had taken a drafted receipt."""
        id_ = read_data("id", draft["id"], 32)
        terms = self.services.drafting.drafts.get(id_).consent
        self.book[Key(Kind.RECEIPT, id_)] = replace(receipt(), id=id_, terms=terms)

    def pledge_terms(self) -> dict[str, object]:
        return pledge_terms()


def write_keys(folder: Path) -> None:
    for entity in KINDS:
        key_file = folder / "keys" / f"{entity}.json"
        new_passphrase(key_file.with_suffix(".pass"))
        signer(entity).save(key_file, key_file.with_suffix(".pass"), WORK_OF_GENERATED)


def make_api(folder: Path, **section: object) -> Api:
    save(folder / "members.json", MembersFile(members=tuple(member(entity) for entity in KINDS)))
    write_keys(folder)
    return start(folder, Clock(), state(), **section)


def start(folder: Path, clock: Clock, book: dict[Key, Item], **section: object) -> Api:
    settings = ApiSection(
        directory=folder / "api",
        members_file=folder / "members.json",
        goods_key_file=folder / "keys" / "goods",
        public_url=BASE,
        **section,
    )
    sending = RecordedSending()
    chain = Chain(deployment=lambda: DEPLOYMENT, book=lambda: book, sending=lambda keyring: sending)
    services = make_services(settings, chain, clock)
    return Api(services, TestClient(create_app(services), base_url=BASE), clock, folder, book, sending)
