"""The network of four signers, every cable between them a proxy of ours."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from api.runner.private import Elsewhere
from ledger_node.networks import clique
from ledger_node.networks.clique import (
    CHAIN_ID,
    EPOCH,
    FINALITY,
    Head,
    Node,
    Ports,
    head,
    payer_key,
    running,
    signing_key,
)
from tests.network.links import Links

__all__ = ["CHAIN_ID", "EPOCH", "FINALITY", "Head", "Network", "Node", "head", "running_network", "signing_key"]


class Network(clique.Network):
    """The network, which can be split. `key_files` hold the keys of its payers, one for each who spends."""

    def __init__(self, geth: str, folder: Path) -> None:
        super().__init__(geth, folder, self._cables)
        self.key_files = [self._key_file(each) for each in range(len(self.payers))]

    def split(self, side: Collection[int]) -> None:
        """Nothing crosses any more between the signers of `side` and the others."""
        self._links.split(side)

    def heal(self) -> None:
        """What was held back arrives."""
        self._links.heal()

    def close(self) -> None:
        """End all signers and cut the cables."""
        super().close()
        self._links.close()

    def elsewhere(self, place: int) -> Elsewhere:
        """This chain as signer `place` shows it, paid by a payer of its own."""
        return Elsewhere(self.nodes[place].rpc, self.key_files[place], FINALITY, self.nodes[place].ws)

    def _cables(self, ports: Sequence[int]) -> Ports:
        self._links = Links(list(ports))
        return self._links.ports

    def _key_file(self, payer: int) -> Path:
        file = self.folder / f"payer-{payer}.key"
        file.touch(mode=0o600)
        file.write_text(payer_key(payer).hex())
        return file


@contextmanager
def running_network(geth: str, folder: Path) -> Iterator[Network]:
    """Four signers that seal, one after the other."""
    with running(Network(geth, folder)) as network:
        assert isinstance(network, Network)
        yield network
