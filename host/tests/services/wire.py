"""The part that the clients share: a connection with or without TLS, and a reader of big-endian answers."""
import contextlib
import signal
import socket
import ssl
import struct


@contextlib.contextmanager
def within(seconds):
    """Raises TimeoutError when the block takes longer, however many answers it waits for. Main thread only."""
    def late(*_):
        raise TimeoutError(f"no answer within {seconds} s")
    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def split(address):
    """HOST:PORT as a host and a number."""
    host, port = address.rsplit(":", 1)
    return host, int(port)


def connect(address, ca=None, timeout=10):
    """A socket to HOST:PORT; with the file of a CA, over TLS. The timeout, in seconds, holds for each step on it."""
    host, port = split(address)
    sock = socket.create_connection((host, port), timeout=timeout)
    if ca:
        context = ssl.create_default_context(cafile=ca)
        sock = context.wrap_socket(sock, server_hostname=host)
    return sock


def read_exactly(sock, count):
    """Reads so many bytes. Raises ConnectionError when the other side closes before."""
    data = bytearray()
    while len(data) < count:
        chunk = sock.recv(count - len(data))
        if not chunk:
            raise ConnectionError("connection closed")
        data += chunk
    return bytes(data)


class Reader:
    """Takes one answer apart, from its beginning. Raises ValueError where it is too short."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        """The next so many bytes."""
        piece = self.data[self.at:self.at + count]
        if len(piece) != count:
            raise ValueError("the answer is too short")
        self.at += count
        return piece

    def number(self, code):
        """The next number, of a type that `struct` has a letter for."""
        return struct.unpack(">" + code, self.take(struct.calcsize(code)))[0]

    def string(self):
        """The next text behind a length of two bytes; None for a negative length."""
        length = self.number("h")
        return None if length < 0 else self.take(length).decode()
