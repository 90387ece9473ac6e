"""Evidence bundles: collected from a node, index and oracles, and checked offline."""
