"""Ports: whether something listens on one, and a refusal that names the setting which moves a node to another."""
import socket
import time
from typing import NamedTuple

from settings import Failure

# Seconds for which a process that is about to end may keep a port.
PATIENCE = 5


class Port(NamedTuple):
    """A port that a node listens on, and the environment variable that sets it."""
    host: str
    number: int
    variable: str


def is_open(host, number):
    """Whether something listens there."""
    try:
        socket.create_connection((host, number), timeout=2).close()
    except OSError:
        return False
    return True


def ensure_free(name, ports):
    """Raises Failure when something else listens on a port that the node of this name needs."""
    for port in ports:
        end = time.monotonic() + PATIENCE
        while is_open(port.host, port.number):
            if time.monotonic() > end:
                raise Failure(
                    f"{name}: port {port.number} on {port.host} is in use by something else; "
                    f"stop it, or choose another port: {port.variable}={port.number + 1000} make up")
            time.sleep(0.1)
