"""What the tests of the interface share: an application over a real chain, index and database; its programs."""

import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import Engine

from api import app as application
from api.app import create_app, make_services
from api.config import ApiSection
from api.members import Client, Member, MembersFile, User, save
from api.security.roles import Role
from api.security.tokens import ASSERTION_TYPE
from api.sending import Outboxes
from api.services import Services
from ledger_node.hexvalues import data_hex, read_data
from ledger_node.keys import WORK_OF_GENERATED, new_passphrase
from registry.goods import goods_key_hash
from registry.index.indexer import Indexer
from registry.index.queries import Index
from tests.api.measured import CannedOracles
from tests.api.seed import (
    BANK,
    ENTITIES,
    INSPECTOR,
    INSURER,
    KEEPER,
    OTHER_BANK,
    OTHER_KEEPER,
    OWNER,
    REGULATOR,
    Chain,
    signer,
)
from tests.registry.story import catch_up, index_of

BASE = "http://testserver"
GOODS_KEY = bytes(range(32))
GOODS_HASH = goods_key_hash(GOODS_KEY)
PASSWORD = "correct horse battery"
KINDS = {
    BANK: Role.BANK,
    KEEPER: Role.KEEPER,
    INSURER: Role.INSURER,
    OWNER: Role.DEPOSITOR,
    INSPECTOR: Role.INSPECTOR,
    REGULATOR: Role.REGULATOR,
    OTHER_BANK: Role.BANK,
    OTHER_KEEPER: Role.KEEPER,
}
NAMES = {
    BANK: ("First Consortium Bank", "第一联合银行"),
    KEEPER: ("Harbour Warehousing", "港口仓储"),
    INSURER: ("Marine and Property Insurance", "海上财产保险"),
    OWNER: ("Eastern Coil Works", "东方卷材"),
    INSPECTOR: ("Independent Stock Inspection", "独立库存检验"),
    REGULATOR: ("Supervisory Office", "监管办公室"),
    OTHER_BANK: ("Second Canary Bank", "第二金丝雀银行"),
    OTHER_KEEPER: ("Far Quay Stores", "远码头仓库"),
}


@dataclass
class Clock:
    """The chain's clock, as the application reads it."""

    chain: Chain

    def now_ms(self) -> int:
        return int(self.chain.consortium.clock * 1000)

    def forward(self, seconds: float) -> None:
        self.chain.consortium.clock += seconds


@cache
def client_key(name: str) -> ECKey:
    return ECKey.generate_key("P-256")


@cache
def password_hash() -> str:
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)


def member(entity: int) -> Member:
    name, name_zh = NAMES[entity]
    return Member(
        entity=entity,
        kind=KINDS[entity],
        name=name,
        name_zh=name_zh,
        key_file=Path(f"keys/{entity}.json"),
        users=tuple(
            User(login=f"{who}-{entity}", name=f"{who.capitalize()} of {name}", password_hash=password_hash())
            for who in ("ada", "bo")
        ),
        clients=tuple(
            Client(client_id=each, jwks=(client_key(each).as_dict(private=False),))
            for each in (f"client-{entity}", f"second-{entity}")
        ),
    )


@dataclass
class Api:
    """A running application with the chain under it."""

    services: Services
    http: TestClient
    clock: Clock
    folder: Path
    chain: Chain
    indexer: Indexer
    engine: Engine
    outboxes: Outboxes

    def close(self) -> None:
        """Close every file, so that the folder can be copied."""
        self.outboxes.stop()
        self.services.presence.close()
        self.services.engine.dispose()
        self.engine.dispose()
        self.chain.consortium.close()

    # --- tokens

    def assertion(self, entity: int, who: str = "client", **changes: object) -> str:
        now = self.clock.now_ms() // 1000
        name = f"{who}-{entity}"
        claims = {
            "iss": name, "sub": name, "aud": f"{BASE}/oauth2/token", "iat": now, "exp": now + 60,
            "jti": secrets.token_hex(8), **changes,
        }  # fmt: skip
        return jwt.encode({"alg": "ES256"}, claims, client_key(name), algorithms=["ES256"])

    def ask_token(self, assertion: str, **more: str) -> Any:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            **more,
        }
        return self.http.post("/oauth2/token", data=form)

    def token(self, entity: int, who: str = "client", **more: str) -> str:
        return self.ask_token(self.assertion(entity, who), **more).json()["access_token"]

    # --- requests

    def post(self, entity: int, path: str, body: object, client: str = "client") -> Any:
        return self.http.post(path, json=body, headers=self.headers(entity, client))

    def get(self, entity: int, path: str, **headers: str) -> Any:
        return self.http.get(path, headers={"Authorization": f"Bearer {self.token(entity)}", **headers})

    def headers(self, entity: int, who: str = "client") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(entity, who)}", "Idempotency-Key": secrets.token_hex(8)}

    def draft(self, entity: int, request: dict[str, Any]) -> dict[str, Any]:
        answer = self.post(entity, "/v1/drafts", request)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def sign(self, draft: dict[str, Any], *parties: int) -> dict[str, Any]:
        """Signatures made elsewhere by the parties' own keys, handed in."""
        for entity in parties:
            signature = data_hex(signer(entity).sign_digest(read_data("id", draft["id"], 32)))
            answer = self.post(entity, f"/v1/drafts/{draft['id']}/consents", {"signature": signature})
            assert answer.status_code == 200, answer.text
            draft = answer.json()
        return draft

    def submit(self, entity: int, draft: dict[str, Any], fixed_gas: int | None = None) -> Any:
        body = {} if fixed_gas is None else {"fixedGas": fixed_gas}
        answer = self.post(entity, f"/v1/drafts/{draft['id']}/submit", body)
        self.catch_up()
        return answer

    def act(self, request: dict[str, Any], *parties: int) -> str:
        """Draft, sign, send; the act's id once it is final on the chain and in the index."""
        draft = self.sign(self.draft(parties[0], request), *parties)
        operation = self.submit(parties[0], draft)
        assert operation.status_code == 202, operation.text
        state = self.get(parties[0], operation.headers["location"]).json()
        assert state["state"] == "final", state
        return draft["id"]

    def catch_up(self) -> None:
        """Index what is new, and let another stack on the same folder do so as well."""
        catch_up(self.indexer)
        self.indexer.close()


def found(folder: Path) -> Api:
    """A new consortium in a folder, with members, keys and people."""
    chain = Chain.found(folder)
    save(folder / "members.json", MembersFile(members=tuple(member(entity) for entity in ENTITIES)))
    for entity in ENTITIES:
        key_file = folder / "keys" / f"{entity}.json"
        new_passphrase(key_file.with_suffix(".pass"))
        signer(entity).save(key_file, key_file.with_suffix(".pass"), WORK_OF_GENERATED)
    (folder / "keys" / "goods").write_bytes(GOODS_KEY)
    return start(folder, chain)


def start(folder: Path, chain: Chain, **section: Any) -> Api:
    """The application over what a folder holds."""
    made = chain.consortium
    engine, indexer = index_of(made.client, made.deployment, f"sqlite:///{folder}/index.db")
    catch_up(indexer)
    indexer.close()
    settings = ApiSection(
        directory=folder / "api",
        members_file=folder / "members.json",
        goods_key_file=folder / "keys" / "goods",
        public_url=BASE,
        **section,
    )
    clock = Clock(chain)
    opened: list[Outboxes] = []

    def sending(keyring: Any) -> Outboxes:
        opened.append(Outboxes(folder / "outboxes", made.client, keyring, made.addresses.__getitem__, 0))
        return opened[0]

    index, oracles = Index(engine), CannedOracles()
    parts = application.Chain(made.deployment, index, made.client, oracles, chain.trust, sending, 0, GOODS_HASH)
    services = make_services(settings, parts, clock)
    http = TestClient(create_app(services), base_url=BASE)
    return Api(services, http, clock, folder, chain, indexer, engine, opened[0])
