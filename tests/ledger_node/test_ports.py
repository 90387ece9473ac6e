"""Ports for servers that are started later."""

import socket

import pytest

from ledger_node.ports import HOST, reserved_ports


def test_a_port_that_is_reserved_is_no_free_one_for_others() -> None:
    with reserved_ports(3) as ports:
        assert len(set(ports)) == 3
        for port in ports:
            with socket.socket() as other, pytest.raises(OSError, match="Address already in use"):
                other.bind((HOST, port))


def test_a_server_listens_at_a_reserved_port_and_again_after_its_end() -> None:
    with reserved_ports(1) as [port]:
        for _ in range(2):
            with socket.create_server((HOST, port)) as server, socket.create_connection((HOST, port)) as client:
                server.accept()[0].close()
                assert client.recv(1) == b""


def test_a_port_is_free_again_afterwards() -> None:
    with reserved_ports(1) as [port]:
        pass
    with socket.socket() as other:
        other.bind((HOST, port))
