"""Compiled contract artifacts and the Solidity sources that they come from."""
