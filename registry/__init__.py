"""The collateral domain off the chain: state transitions, index, documents, evidence and audit."""
