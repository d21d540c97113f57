"""The secrets of --secure: one certificate authority, a server's and a client's certificate, and the login.

PEM for all, PKCS12 beside it for Cassandra. Made once, by openssl, in the folder `secure`.
"""
import ipaddress
import shutil
import subprocess
from typing import NamedTuple

from settings import DIR, Failure

FOLDER = DIR / "secure"
CA = FOLDER / "ca.pem"
# The user and the password of the tests. The user may do everything everywhere.
USER, PASSWORD = "app", "app-secret"


class Access(NamedTuple):
    """The credentials for a secure node: the file of the CA, a user and a password."""
    ca: str
    user: str
    password: str


def is_made():
    """Whether the certificates are there, all of them."""
    return (FOLDER / ".complete").exists()


def make(hosts):
    """Makes the certificates, valid for these hosts and the local ones. Raises Failure when openssl fails."""
    if is_made():
        return
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    FOLDER.chmod(0o700)
    log = FOLDER / "openssl.log"
    with open(log, "wb") as output:
        try:
            for command in commands(hosts):
                subprocess.run(command, cwd=FOLDER, stdout=output, stderr=output, check=True)
                output.flush()
        except (OSError, subprocess.CalledProcessError):
            raise Failure(f"openssl cannot make the certificates, see {log}") from None
    for name in ("server", "client"):
        parts = [FOLDER / f"{name}.key", FOLDER / f"{name}.crt", CA]
        (FOLDER / f"{name}.pem").write_bytes(b"".join(part.read_bytes() for part in parts))
    (FOLDER / ".complete").touch()


def commands(hosts):
    """The commands of openssl, in order. Writes the file of extensions that one of them reads."""
    local = ["localhost", "127.0.0.1", "127.0.0.2", "127.0.0.3"]
    names = ",".join(dict.fromkeys(f"{kind(host)}:{host}" for host in [*local, *hosts]))
    (FOLDER / "extensions").write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth,clientAuth\n")
    yield ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=services test CA",
           "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
           "-keyout", "ca.key", "-out", "ca.pem"]
    for name in ("server", "client"):
        yield ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
               "-out", f"{name}.csr"]
        yield ["openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
               "-days", "3650", "-out", f"{name}.crt", "-extfile", "extensions"]
        yield ["openssl", "pkcs12", "-export", "-in", f"{name}.crt", "-inkey", f"{name}.key", "-certfile", "ca.pem",
               "-name", name, "-passout", "pass:changeit", "-out", f"{name}.p12"]


def kind(host):
    """The type under which a certificate lists such a host: IP or DNS."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "DNS"
    return "IP"
