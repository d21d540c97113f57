"""A small client of CQL's native protocol, version 4: connects, logs in, runs one statement at a time."""
import socket
import struct
import sys
import uuid
from datetime import datetime, timezone

from wire import Reader, connect, read_exactly

CONSISTENCY = {"ANY": 0, "ONE": 1, "TWO": 2, "THREE": 3, "QUORUM": 4, "ALL": 5, "LOCAL_QUORUM": 6, "SERIAL": 8,
               "LOCAL_ONE": 10}
# The opcodes of frames, as the protocol's description names them.
ERROR, STARTUP, READY, AUTHENTICATE, QUERY, AUTH_RESPONSE, AUTH_SUCCESS = 0x00, 0x01, 0x02, 0x03, 0x07, 0x0F, 0x10


class Cql:
    """A connection to one node, HOST:PORT. Raises OSError, and ValueError for what the node refuses.

    `ca` is the file of a CA, for TLS; `login` is `USER:PASSWORD`; the timeout is in seconds, for each answer.
    """

    def __init__(self, address, ca=None, login=None, timeout=15):
        self.sock = connect(address, ca, timeout)
        options = {"CQL_VERSION": "3.0.0"}
        body = struct.pack(">H", len(options)) + b"".join(
            struct.pack(">H", len(s)) + s.encode() for pair in options.items() for s in pair)
        opcode, answer = self.call(STARTUP, body)
        if opcode == AUTHENTICATE:
            user, password = (login or "cassandra:cassandra").split(":", 1)
            token = b"\0" + user.encode() + b"\0" + password.encode()
            opcode, answer = self.call(AUTH_RESPONSE, struct.pack(">i", len(token)) + token)
        if opcode not in (READY, AUTH_SUCCESS):
            raise ValueError(f"the node answers with an opcode that was not expected: 0x{opcode:02x}")

    def call(self, opcode, body):
        """One frame there and one back: its opcode and a reader of its body. Warnings go to standard error."""
        self.sock.sendall(struct.pack(">BBhBi", 0x04, 0, 0, opcode, len(body)) + body)
        _, flags, _, opcode, length = struct.unpack(">BBhBi", read_exactly(self.sock, 9))
        answer = Reader(read_exactly(self.sock, length))
        if opcode == ERROR:
            code = answer.number("i")
            raise ValueError(f"error 0x{code:04x}: {answer.string()}")
        if flags & 0x08:
            for _ in range(answer.number("H")):
                print("warning:", answer.string(), file=sys.stderr)
        return opcode, answer

    def query(self, text, consistency="ONE"):
        """Runs one statement. The columns' names and the rows; both empty where the answer is no rows."""
        text = text.encode()
        _, answer = self.call(QUERY, struct.pack(">i", len(text)) + text
                              + struct.pack(">HB", CONSISTENCY[consistency.upper()], 0))
        if answer.number("i") != 2:
            return [], []
        flags, count = answer.number("i"), answer.number("i")
        if flags & 2:
            answer.take(answer.number("i"))
        if flags & 1:
            answer.string(), answer.string()
        names, kinds = [], []
        for _ in range(count):
            if not flags & 1:
                answer.string(), answer.string()
            names.append(answer.string())
            kinds.append(read_kind(answer))
        rows = [[read_value(answer, kind) for kind in kinds] for _ in range(answer.number("i"))]
        return names, rows

    def schema_version(self):
        """The version of the schema that this node has."""
        return self.query("SELECT schema_version FROM system.local")[1][0][0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


def read_kind(answer):
    """The code of a column's type; what a type is made of is read and left out."""
    code = answer.number("h")
    if code == 0x00:
        answer.string()
    elif code in (0x20, 0x22):
        read_kind(answer)
    elif code == 0x21:
        read_kind(answer), read_kind(answer)
    elif code == 0x30:
        answer.string(), answer.string()
        for _ in range(answer.number("H")):
            answer.string(), read_kind(answer)
    elif code == 0x31:
        for _ in range(answer.number("H")):
            read_kind(answer)
    return code


def read_value(answer, kind):
    """One cell, None for null; the bytes in hexadecimal for a type that is not decoded here."""
    length = answer.number("i")
    if length < 0:
        return None
    data = answer.take(length)
    if kind in (0x01, 0x0A, 0x0D):
        return data.decode()
    if kind == 0x0B:
        time = datetime.fromtimestamp(int.from_bytes(data, "big", signed=True) / 1000, timezone.utc)
        return time.strftime("%Y-%m-%d %H:%M:%S")
    if kind in (0x0C, 0x0F):
        return str(uuid.UUID(bytes=data))
    if kind in (0x02, 0x05, 0x09, 0x13, 0x14):
        return int.from_bytes(data, "big", signed=True)
    if kind == 0x04:
        return bool(data[0])
    if kind == 0x10:
        return socket.inet_ntop(socket.AF_INET if length == 4 else socket.AF_INET6, data)
    return data.hex()
