"""What a ledger starts from: nothing is made anew where something is lost."""

import pytest

from ledger_node.embedded.chain import EmbeddedChain
from ledger_node.embedded.errors import LedgerError
from ledger_node.embedded.files import GENESIS_FILE, KEY_FILE, open_files


def test_a_lost_genesis_file_is_not_made_anew(tmp_path):
    genesis, signer = open_files(tmp_path)
    EmbeddedChain(tmp_path, genesis, signer).close()
    (tmp_path / GENESIS_FILE).unlink()
    with pytest.raises(LedgerError, match="put the file back"):
        open_files(tmp_path)


def test_a_lost_sealer_key_is_not_made_anew(tmp_path):
    open_files(tmp_path)
    (tmp_path / KEY_FILE).unlink()
    with pytest.raises(LedgerError, match="key of the genesis file's sealer"):
        open_files(tmp_path)


def test_a_key_that_others_may_read_is_refused(tmp_path):
    open_files(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o644)
    with pytest.raises(LedgerError, match="chmod 600"):
        open_files(tmp_path)


def test_a_broken_genesis_file_is_named(tmp_path):
    open_files(tmp_path)
    (tmp_path / GENESIS_FILE).write_text("{}")
    with pytest.raises(LedgerError, match="genesis.chainId: is missing"):
        open_files(tmp_path)


def test_the_first_start_makes_both_and_the_next_reads_them(tmp_path):
    genesis, signer = open_files(tmp_path / "new", chain_id=7)
    again, same = open_files(tmp_path / "new", chain_id=8)
    assert (genesis, signer.address) == (again, same.address)
    assert (genesis.chain_id, genesis.sealer) == (7, signer.address)
