"""Chain access and node life cycle: engines, keys, deployment, sending, headers, proofs and contract bindings."""
