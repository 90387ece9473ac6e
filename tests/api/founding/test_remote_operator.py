"""The operator's key in a signer elsewhere."""

from pathlib import Path

import pytest

from api.founding.found import open_accounts
from api.settings import load_settings
from ledger_node.hexvalues import address_hex
from ledger_node.remote_signer import RemoteSigner
from ledger_node.signing import SignerError
from tests.ledger_node.test_remote_signer import PLAIN, keep_key, local, signing


def test_the_operator_signs_through_the_signer_that_the_settings_name(tmp_path: Path) -> None:
    (tmp_path / "signer").mkdir()
    folder, home = keep_key(tmp_path / "signer"), tmp_path / "home"
    home.mkdir()
    account = address_hex(local(folder).address)
    with signing(folder) as url:
        text = f"[contracts.operator_signer]\nurl = '{url}'\naccount = '{account}'\ntimeout_seconds = 60\n"
        (home / "cangdan.toml").write_text(text)
        operator = open_accounts(load_settings(home)).operator
        assert isinstance(operator, RemoteSigner)
        assert operator.sign_transaction(PLAIN) == local(folder).sign_transaction(PLAIN)
        assert not (home / "keys" / "operator.json").exists()
    with pytest.raises(SignerError, match="does not answer"):
        open_accounts(load_settings(home))
