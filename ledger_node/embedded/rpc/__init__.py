"""JSON-RPC over the embedded ledger: dispatch, formats, errors, subscriptions."""
