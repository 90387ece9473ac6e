"""Members of this machine's API: an entity on the chain, a signing key, a person who signs in, a program's key."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from joserfc.jwk import ECKey

from api.founding.logins import Login, append_logins
from api.founding.operator import Entrant, Operator
from api.members import Client, Member, MemberKey, MembersFile, User, load, save
from api.security.passwords import hash_password
from api.security.roles import Role
from ledger_node.files import make_folder, replace_private
from ledger_node.keys import KeyFileError
from ledger_node.remote_signer import RemoteSigner, open_key, read_signer_file

Funder = Callable[[Sequence[bytes]], None]
"""Gives accounts what they need on a chain with fees."""
KEY_FILE, SIGNER_FILE = "key.json", "signer.toml"
"""What a member's folder holds: its key, made when neither is there, or the name of a signer elsewhere."""
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
    """A member as its own programs use it: entity, signing key and the private key (JWK file) of its API client.

    `key_file` has the key, or is called signer.toml and names a signer elsewhere.
    """

    entity: int
    key_file: Path
    client_id: str
    client_key: Path

    @property
    def key(self) -> MemberKey:
        """Where the signing key is."""
        elsewhere = self.key_file.name == SIGNER_FILE
        return MemberKey(self.key_file, None if elsewhere else self.key_file.with_suffix(".pass"))


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
        """The seats of members, made when they are new; all are on their way before one is waited for.

        Raises KeyFileError, SignerError, FoundingError.
        """
        accounts = [self._account(each) for each in newcomers]
        entrants = [
            Entrant(each.kind, each.identifier, account) for each, account in zip(newcomers, accounts, strict=True)
        ]
        with ThreadPoolExecutor(1) as beside:
            funded = beside.submit(self._fund, accounts)
            entities = self._operator.register(entrants)
            funded.result()
        return [self._seat(each, entity) for each, entity in zip(newcomers, entities, strict=True)]

    def _folder(self, newcomer: Newcomer) -> Path:
        return self._home / "members" / f"{newcomer.kind}-{newcomer.identifier.lower()}"

    def _account(self, newcomer: Newcomer) -> bytes:
        folder = self._folder(newcomer)
        make_folder(folder, 0o700)
        key_file, signer_file = folder / KEY_FILE, folder / SIGNER_FILE
        if not signer_file.exists():
            return open_key(key_file).address
        if key_file.exists():
            raise KeyFileError(f"{folder}: holds {KEY_FILE} and {SIGNER_FILE}; keep the one that is the member's")
        elsewhere = RemoteSigner(read_signer_file(signer_file))
        try:
            elsewhere.check()
        finally:
            elsewhere.close()
        return elsewhere.address

    def _seat(self, newcomer: Newcomer, entity: int) -> Seat:
        folder = self._folder(newcomer)
        client_key = folder / "client.jwk"
        if not client_key.exists():
            key = ECKey.generate_key("P-256").as_dict(private=True)
            replace_private(client_key, json.dumps(key).encode() + b"\n")
        signer_file = folder / SIGNER_FILE
        key_file = signer_file if signer_file.exists() else folder / KEY_FILE
        seat = Seat(entity, key_file, f"{newcomer.kind}-{entity}-program", client_key)
        self._keep(newcomer, seat)
        return seat

    def _keep(self, newcomer: Newcomer, seat: Seat) -> None:
        members = load(self._file).file
        if any(member.entity == seat.entity for member in members.members):
            return
        logins = [self._login(newcomer, seat.entity, person) for person in _PEOPLE]
        key_file, elsewhere = seat.key_file.relative_to(self._file.parent), seat.key.passphrase_file is None
        public = ECKey.import_key(json.loads(seat.client_key.read_text())).as_dict(private=False)
        member = Member(
            entity=seat.entity,
            kind=Role(newcomer.kind),
            name=newcomer.name,
            name_zh=newcomer.name_zh,
            key_file=None if elsewhere else key_file,
            signer_file=key_file if elsewhere else None,
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
