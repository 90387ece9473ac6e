"""Queries, writes, console pages, the scenario runner and the `cangdan` command."""
