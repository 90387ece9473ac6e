"""What each act of each contract changes; pure, one module a group of contracts."""
