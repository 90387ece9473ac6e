"""Documents off the chain: models of their contents, salted commitments, and the store that keeps them."""
