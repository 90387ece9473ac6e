"""Reading: what a member may see of the chain's state at a block, and what its documents add to it."""
