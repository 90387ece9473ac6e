"""What the tests of the HTTP interface share: members with keys, an application over real SQLite, tokens."""

import secrets
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import ECKey

from api.app import create_app, make_services
from api.config import ApiSection
from api.members import Client, Member, MembersFile, User, save
from api.security.passwords import hash_password
from api.security.roles import Role
from api.security.tokens import ASSERTION_TYPE
from api.services import Services

BASE = "http://testserver"
PASSWORD = "correct horse battery"
BANK, OTHER_BANK, KEEPER, INSURER, OWNER, INSPECTOR, REGULATOR = range(1, 8)
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


@cache
def client_key(name: str) -> ECKey:
    return ECKey.generate_key("P-256")


@cache
def password_hash() -> str:
    return hash_password(PASSWORD)


def member(entity: int) -> Member:
    kind = KINDS[entity]
    jwk = client_key(f"client-{entity}").as_dict(private=False)
    return Member(
        entity=entity,
        kind=kind,
        name=f"Name of {kind.value} {entity}",
        key_file=Path(f"keys/{entity}.json"),
        users=tuple(
            User(login=f"{who}-{entity}", name=f"Person {who} {entity}", password_hash=password_hash())
            for who in ("ada", "bo")
        ),
        clients=(Client(client_id=f"client-{entity}", jwks=(jwk,)),),
    )


@dataclass
class Api:
    """A running application with its clock and its folder."""

    services: Services
    http: TestClient
    clock: Clock
    folder: Path

    def assertion(self, entity: int, **changes: object) -> str:
        now = self.clock.now_ms() // 1000
        name = f"client-{entity}"
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

    def token(self, entity: int, **more: str) -> str:
        return self.ask_token(self.assertion(entity), **more).json()["access_token"]

    def headers(self, entity: int) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(entity)}", "Idempotency-Key": secrets.token_hex(8)}


def make_api(folder: Path, **section: object) -> Api:
    save(folder / "members.json", MembersFile(members=tuple(member(entity) for entity in KINDS)))
    settings = ApiSection(
        directory=folder / "api", members_file=folder / "members.json", public_url=BASE, **section
    )
    clock = Clock()
    services = replace(make_services(settings, clock))
    return Api(services, TestClient(create_app(services), base_url=BASE), clock, folder)
