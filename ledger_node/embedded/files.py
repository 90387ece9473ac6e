"""The files that a ledger starts from: genesis and sealer key in its directory, made on the first start."""

from pathlib import Path

from ledger_node.embedded.errors import LedgerError
from ledger_node.embedded.store import FILE_NAME
from ledger_node.files import replace_atomically
from ledger_node.genesis import DEFAULT_CHAIN_ID, Genesis, GenesisError, Prefund, dump_genesis, load_genesis
from ledger_node.keys import KeyFileError, LocalSigner, open_signer

GENESIS_FILE = "genesis.json"
KEY_FILE = "sealer.json"
PASSPHRASE_FILE = "sealer.pass"


def open_files(
    directory: Path, *, chain_id: int = DEFAULT_CHAIN_ID, alloc: tuple[Prefund, ...] = ()
) -> tuple[Genesis, LocalSigner]:
    """The genesis and the sealer of the ledger in `directory`.

    Where there is neither a genesis file nor a ledger, both are made, the genesis with `chain_id` and `alloc`; a
    genesis file that was put there needs the sealer's key beside it. Raises LedgerError.
    """
    genesis_file, key_file = directory / GENESIS_FILE, directory / KEY_FILE
    fresh = not genesis_file.exists()
    if fresh and (directory / FILE_NAME).exists():
        raise LedgerError(f"{genesis_file}: is missing beside its ledger; put the file back")
    if not fresh and not key_file.exists():
        raise LedgerError(f"{key_file}: is missing; put the key of the genesis file's sealer there")
    try:
        signer = open_signer(key_file, directory / PASSPHRASE_FILE)
        if fresh:
            replace_atomically(genesis_file, dump_genesis(Genesis(chain_id, signer.address, alloc=alloc)))
        return load_genesis(genesis_file), signer
    except (GenesisError, KeyFileError) as error:
        raise LedgerError(str(error)) from None
