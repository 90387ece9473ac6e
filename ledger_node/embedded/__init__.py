"""The embedded ledger: py-evm's Berlin rules made durable behind JSON-RPC, for one sealer and no fees."""

import os

# py-evm hashes through eth-hash, which would choose a backend that takes seven times as long.
os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")
