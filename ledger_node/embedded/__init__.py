"""The embedded ledger: py-evm's Berlin rules made durable behind JSON-RPC, for one sealer and no fees."""
