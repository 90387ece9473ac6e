"""The members that this API process serves: entity, keys, people and programs (docs/formats/members.md).

In production a process serves one member; the demonstration consortium has all of its members in one file,
each with its own key file. A user acts for its own member only.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from api.acts.kinds import Act
from api.security.roles import SCOPES, Role, Scope
from ledger_node.files import make_folder, replace_private

FORMAT = "cangdan/members/1"
JwkMember = str | list[str]


class MembersError(ValueError):
    """The members file cannot be used; the message names file and rule, never a secret."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class User(_Part):
    """A person: what they type to sign in, and the Argon2 hash of their password."""

    login: Annotated[str, Field(min_length=3, max_length=120, pattern=r"^[A-Za-z0-9._@+-]+$")]
    name: Annotated[str, Field(min_length=1, max_length=120)]
    password_hash: Annotated[str, Field(pattern=r"^\$argon2id\$")]


class Client(_Part):
    """A program: its identifier and its public keys (JWK); it signs its assertions with the private one (RFC 7523)."""

    client_id: Annotated[str, Field(min_length=3, max_length=120, pattern=r"^[A-Za-z0-9._-]+$")]
    jwks: tuple[dict[str, JwkMember], ...] = Field(min_length=1)
    scopes: tuple[Scope, ...] = ()

    @model_validator(mode="after")
    def _public_only(self) -> "Client":
        if any("d" in key or key.get("kty") == "oct" for key in self.jwks):
            raise ValueError("jwks holds a private or shared key; give the public one")
        return self


class Member(_Part):
    """One legal entity: its index on the chain, its kind, its names, its signing account and its people."""

    entity: Annotated[int, Field(ge=1, lt=2**32)]
    kind: Role
    name: Annotated[str, Field(min_length=1, max_length=200)]
    name_zh: str | None = None
    key_file: Path | None = None
    passphrase_file: Path | None = None
    signer_file: Path | None = None
    users: tuple[User, ...] = ()
    clients: tuple[Client, ...] = ()

    @model_validator(mode="after")
    def _has_one_key(self) -> "Member":
        if self.signer_file is not None and (self.key_file is not None or self.passphrase_file is not None):
            raise ValueError("signerFile excludes keyFile and passphraseFile")
        return self

    def scopes_of(self, client: Client) -> frozenset[Scope]:
        """What the client may ask for: its list, or all of the role's, never more than the role has."""
        allowed = SCOPES[self.kind]
        return allowed if not client.scopes else allowed & frozenset(client.scopes)

    def named(self, language: str) -> str:
        """The name in a language of the console."""
        return self.name_zh if language == "zh-Hans" and self.name_zh else self.name


@dataclass(frozen=True, slots=True)
class MemberKey:
    """A key file with its passphrase file, or with None the file that names a signer elsewhere."""

    file: Path
    passphrase_file: Path | None


class MembersFile(_Part):
    """The whole file. `four_eyes` names the acts for which two of a member must agree, the second one in person."""

    format: str = Field(default=FORMAT, pattern=f"^{FORMAT}$")
    four_eyes: tuple[Act, ...] = (Act.RELEASE, Act.DECISION, Act.CLAIM_DECISION)
    members: tuple[Member, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> "MembersFile":
        entities = [member.entity for member in self.members]
        logins = [user.login for member in self.members for user in member.users]
        clients = [client.client_id for member in self.members for client in member.clients]
        for what, values in (("entity", entities), ("login", logins), ("clientId", clients)):
            if len(set(values)) != len(values):
                raise ValueError(f"two members or users have one {what}")
        return self


@dataclass(frozen=True)
class Members:
    """The file, looked up by what requests bring. `folder` is where relative key files start."""

    file: MembersFile
    folder: Path

    @cached_property
    def by_entity(self) -> dict[int, Member]:
        """Members by entity index."""
        return {member.entity: member for member in self.file.members}

    @cached_property
    def users(self) -> dict[str, tuple[Member, User]]:
        """Users by login."""
        return {user.login: (member, user) for member in self.file.members for user in member.users}

    @cached_property
    def clients(self) -> dict[str, tuple[Member, Client]]:
        """Clients by identifier."""
        return {client.client_id: (member, client) for member in self.file.members for client in member.clients}

    def name_of(self, entity: int, language: str = "en") -> str | None:
        """The entity's name, when this process knows it."""
        member = self.by_entity.get(entity)
        return member.named(language) if member else None

    def key_of(self, entity: int) -> "MemberKey | None":
        """Where the member's signing key is, when this process has it."""
        member = self.by_entity.get(entity)
        if member is None:
            return None
        if member.signer_file is not None:
            return MemberKey(self.folder / member.signer_file, None)
        if member.key_file is None:
            return None
        key_file, named = self.folder / member.key_file, member.passphrase_file
        return MemberKey(key_file, self.folder / named if named else key_file.with_suffix(".pass"))


class MembersSource:
    """The members of a file that may be rewritten while the process runs: read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._now()
        self._members = load(path)

    def __call__(self) -> Members:
        """The members as the file has them now. Raises MembersError."""
        stamp = self._now()
        if stamp != self._stamp:
            self._members, self._stamp = load(self._path), stamp
        return self._members

    def _now(self) -> tuple[int, int] | None:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return None
        return stat.st_mtime_ns, stat.st_ino


def load(path: Path) -> Members:
    """The members of a file; no file is no members. Raises MembersError that names the rule."""
    if not path.exists():
        return Members(MembersFile(), path.parent)
    try:
        file = TypeAdapter(MembersFile).validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise MembersError(f"{path.name}: {place}: {first['msg']}") from None
    return Members(file, path.parent)


def save(path: Path, file: MembersFile) -> None:
    """Write the file, readable by its owner only, in one step."""
    make_folder(path.parent)
    text = json.dumps(file.model_dump(mode="json", by_alias=True, exclude_none=True), ensure_ascii=False, indent=2)
    replace_private(path, text.encode() + b"\n")
