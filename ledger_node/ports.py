"""Ports of this machine for servers that are started later, each of which is told its port beforehand."""

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

HOST = "127.0.0.1"


@contextmanager
def reserved_ports(count: int) -> Iterator[list[int]]:
    """Ports on loopback that nobody else is given while the context lasts.

    Each is bound and not listened at. On Linux a server may listen there all the same, since both allow the address
    to be used again (socket(7)), and may do so again after its end. Elsewhere they are merely free at the beginning.
    """
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.bind((HOST, 0))
        ports = [int(each.getsockname()[1]) for each in sockets]
        if sys.platform != "linux":
            stack.close()
        yield ports
