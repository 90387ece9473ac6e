"""Members of this machine's API: an entity on the chain, a signing key, a person who signs in, a program's key."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from joserfc.jwk import ECKey

from api.founding.logins import Login, append_logins
from api.founding.operator import Entrant, Operator
from api.members import Client, Member, MembersFile, User, load, save
from api.security.passwords import hash_password
from api.security.roles import Role
from ledger_node.files import make_folder, replace_private
from ledger_node.keys import open_signer

Funder = Callable[[Sequence[bytes]], None]
"""Gives accounts what they need on a chain with fees."""
_PEOPLE = ("clerk", "approver")
"""Two people a member, since some acts need four eyes."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A legal entity that joins: its role, its names, its LEI or 统一社会信用代码."""

    kind: str
    name: str
    name_zh: str | None
    identifier: str


@dataclass(frozen=True, slots=True)
class Seat:
    """A member as its own programs use it: entity, signing key and the private key (JWK file) of its API client."""

    entity: int
    key_file: Path
    client_id: str
    client_key: Path


class Enrolment:
    """Enrols members under a state directory; one that is enrolled already keeps its keys and people."""

    def __init__(self, home: Path, members_file: Path, operator: Operator, funder: Funder | None = None) -> None:
        self._home = home
        self._fund = funder or (lambda accounts: None)
        self._file = members_file
        self._operator = operator

    def seat(self, newcomer: Newcomer) -> Seat:
        """The seat of a member, made when it is new."""
        (seat,) = self.seats((newcomer,))
        return seat

    def seats(self, newcomers: Sequence[Newcomer]) -> list[Seat]:
        """The seats of members, made when they are new; all are on their way before one is waited for."""
        accounts = [self._account(each) for each in newcomers]
        self._fund(accounts)
        entities = self._operator.register(
            [Entrant(each.kind, each.identifier, account) for each, account in zip(newcomers, accounts, strict=True)]
        )
        return [self._seat(each, entity) for each, entity in zip(newcomers, entities, strict=True)]

    def _folder(self, newcomer: Newcomer) -> Path:
        return self._home / "members" / f"{newcomer.kind}-{newcomer.identifier.lower()}"

    def _account(self, newcomer: Newcomer) -> bytes:
        folder = self._folder(newcomer)
        make_folder(folder, 0o700)
        return open_signer(folder / "key.json", folder / "key.pass").address

    def _seat(self, newcomer: Newcomer, entity: int) -> Seat:
        folder = self._folder(newcomer)
        client_key = folder / "client.jwk"
        if not client_key.exists():
            key = ECKey.generate_key("P-256").as_dict(private=True)
            replace_private(client_key, json.dumps(key).encode() + b"\n")
        seat = Seat(entity, folder / "key.json", f"{newcomer.kind}-{entity}-program", client_key)
        self._keep(newcomer, seat)
        return seat

    def _keep(self, newcomer: Newcomer, seat: Seat) -> None:
        members = load(self._file).file
        if any(member.entity == seat.entity for member in members.members):
            return
        logins = [self._login(newcomer, seat.entity, person) for person in _PEOPLE]
        public = ECKey.import_key(json.loads(seat.client_key.read_text())).as_dict(private=False)
        member = Member(
            entity=seat.entity,
            kind=Role(newcomer.kind),
            name=newcomer.name,
            name_zh=newcomer.name_zh,
            key_file=seat.key_file.relative_to(self._file.parent),
            users=tuple(
                User(login=each.login, name=f"{newcomer.name}, {person}", password_hash=hash_password(each.password))
                for person, each in zip(_PEOPLE, logins, strict=True)
            ),
            clients=(Client(client_id=seat.client_id, jwks=(public,)),),
        )
        append_logins(self._home, logins)
        save(self._file, MembersFile(four_eyes=members.four_eyes, members=(*members.members, member)))

    @staticmethod
    def _login(newcomer: Newcomer, entity: int, person: str) -> Login:
        return Login(newcomer.kind, newcomer.name, f"{newcomer.kind}-{entity}-{person}", secrets.token_urlsafe(12))
