"""Passwords as Argon2id hashes (RFC 9106). A wrong login costs the same time as a wrong password."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher()


@cache
def _nobody() -> str:
    return _HASHER.hash("no user has this password")


def hash_password(password: str) -> str:
    """The Argon2id hash to keep in the members file. Raises ValueError for fewer than 8 characters."""
    if len(password) < 8:
        raise ValueError("password: must have at least 8 characters")
    return _HASHER.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether the password is the hashed one; with no hash it takes as long and is False."""
    try:
        _HASHER.verify(password_hash or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None
