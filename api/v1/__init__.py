"""The HTTP interface of programs, version 1."""
