"""The `cangdan` command: one module a verb group."""
