"""The signing keys of the members that this process serves, read from their encrypted files when first needed."""

from collections.abc import Callable
from pathlib import Path

from api.members import Members
from api.problems import ProblemError
from ledger_node.keys import KeyFileError, LocalSigner, load_signer
from ledger_node.signing import Signer


class Keyring:
    """Signers by entity. A member without a key file signs elsewhere and hands its signatures in."""

    def __init__(self, members: Callable[[], Members]) -> None:
        self._members = members
        self._open: dict[Path, LocalSigner] = {}

    def holds(self, entity: int) -> bool:
        """Whether this process can sign for the member."""
        return self._members().key_files(entity) is not None

    def signer(self, entity: int) -> Signer:
        """The member's signer. Raises ProblemError when this process has no usable key of it."""
        files = self._members().key_files(entity)
        if files is None:
            raise ProblemError("conflict", "this service holds no key of the member: sign elsewhere and hand it in")
        key_file, passphrase_file = files
        if key_file not in self._open:
            try:
                self._open[key_file] = load_signer(key_file, passphrase_file)
            except KeyFileError:
                raise ProblemError(
                    "conflict", "the member's key file cannot be used; its operator must mend it"
                ) from None
        return self._open[key_file]
