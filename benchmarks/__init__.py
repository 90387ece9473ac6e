"""What Cangdan's parts cost beside the bare operation or a peer, measured in the same run (docs/benchmarks.md)."""
