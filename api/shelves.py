"""The documents of each member that this process serves: what a member was not given, it does not have."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from api.security.secret import derive
from oracle.formats.opening import Opening
from registry.documents.commitment import DocumentError
from registry.documents.fields import Strict
from registry.documents.models import read
from registry.documents.store import Documents, FolderStore, MissingBlock


class Shelves:
    """One store of documents a member, under `folder`; blocks are shared, keys are not."""

    def __init__(self, folder: Path, secret: bytes) -> None:
        blocks = FolderStore(folder / "blocks")
        self._of = cache(
            lambda entity: Documents(blocks, folder / f"catalogue-{entity}", derive(secret, f"documents {entity}"))
        )

    def give(self, entities: Iterable[int], openings: Iterable[Opening]) -> None:
        """Keep documents for members; what they have already stays as it is."""
        kept = list(openings)
        for entity in sorted(set(entities)):
            for opening in kept:
                self._of(entity).put(opening)

    def opening(self, entity: int, commitment: bytes) -> Opening | None:
        """The document of a commitment with its salt, if the member was given it."""
        try:
            return self._of(entity).get(commitment)
        except (MissingBlock, DocumentError):
            return None

    def document(self, entity: int, commitment: bytes) -> Strict | None:
        """The document of a commitment, if the member was given it."""
        opening = self.opening(entity, commitment)
        return None if opening is None else read(opening.content)
