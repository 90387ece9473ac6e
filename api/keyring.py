"""The signing keys of the members that this process serves, opened when first needed."""

import logging
import threading
from collections.abc import Callable

from api.members import MemberKey, Members
from api.problems import ProblemError
from ledger_node.keys import KeyFileError, load_signer
from ledger_node.remote_signer import RemoteSigner, read_signer_file
from ledger_node.signing import Signer, SignerError

LOG = logging.getLogger("cangdan.api")


class Keyring:
    """Signers by entity. A member without a key here signs elsewhere and hands its signatures in."""

    def __init__(self, members: Callable[[], Members]) -> None:
        self._members = members
        self._open: dict[MemberKey, Signer] = {}
        self._lock = threading.Lock()

    def holds(self, entity: int) -> bool:
        """Whether this process can sign for the member."""
        return self._members().key_of(entity) is not None

    def signer(self, entity: int) -> Signer:
        """The member's signer; one elsewhere is not asked yet. Raises ProblemError when there is no usable one."""
        key = self._members().key_of(entity)
        if key is None:
            raise ProblemError("conflict", "this service holds no key of the member: sign elsewhere and hand it in")
        with self._lock:
            if key not in self._open:
                try:
                    self._open[key] = open_member_key(key)
                except (KeyFileError, SignerError) as error:
                    LOG.error("key of entity %d: %s", entity, error)
                    raise ProblemError(
                        "conflict", "the member's key file cannot be used; its operator must mend it"
                    ) from None
            return self._open[key]


def unsigned(error: SignerError) -> ProblemError:
    """The problem document of a signer that does not sign; where the signer is stays in the log."""
    LOG.warning("%s", error)
    return ProblemError("signer-unavailable", f"the member's signer {error.words}")


def open_member_key(key: MemberKey) -> Signer:
    """The signer of a member's key; one elsewhere is not asked yet. Raises KeyFileError, SignerError."""
    if key.passphrase_file is None:
        return RemoteSigner(read_signer_file(key.file))
    return load_signer(key.file, key.passphrase_file)
