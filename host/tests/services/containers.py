"""The servers in containers, where there is a Docker engine and no Java: one node each, as compose.yaml says."""
import os
import subprocess
import time

import downloads
import wire
from server import NOT_READY, WAIT
from servers import SERVERS
from settings import HERE, Failure

FILE = HERE / "compose.yaml"
# Seconds that the engine may take to say that it is there.
PATIENCE = 5


def are_wanted():
    """Whether this machine has no Java or no Maven, and a Docker engine answers."""
    if downloads.has_java_and_maven():
        return False
    try:
        subprocess.run(["docker", "info"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PATIENCE,
                       check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def compose(*arguments, **options):
    """Runs `docker compose` on the servers, with the ports that are set."""
    chosen = {f"{server.name.upper()}_PORT": str(wire.split(server.first)[1]) for server in SERVERS}
    return subprocess.run(["docker", "compose", "-f", str(FILE), *arguments], env={**os.environ, **chosen}, **options)


def up(servers, is_reused):
    """Starts these servers, but not those for which `is_reused` finds one that answers already. Raises Failure."""
    wanted = []
    for server in servers:
        own = compose("ps", "--quiet", server.name, stdout=subprocess.PIPE).stdout.strip()
        if own or not is_reused(server):
            wanted.append(server)
    if not wanted:
        return
    names = [server.name for server in wanted]
    # The progress that compose prints belongs to standard error.
    if compose("up", "--detach", *names, stdout=2).returncode:
        raise Failure(f"docker compose cannot start {' '.join(names)}, see above")
    for server in wanted:
        wait_ready(server)
        print(f"{server.name} ready on {server.first} (in a container)")


def wait_ready(server):
    """Waits until the server in its container answers. Raises Failure."""
    end = time.monotonic() + WAIT
    while True:
        try:
            return server.ready(server.first, 1, 1, None)
        except NOT_READY as problem:
            if time.monotonic() >= end:
                raise Failure(f"{server.name} does not answer on {server.first} ({problem}): "
                              f"docker compose -f {FILE} logs {server.name}") from None
        time.sleep(0.1)


def down(is_wiped):
    """Removes all the containers; with `is_wiped` also their data. Returns the exit code of compose."""
    return compose("down", "--volumes" if is_wiped else "--remove-orphans").returncode
