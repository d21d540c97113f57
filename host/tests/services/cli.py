"""The verbs of `services`: what is typed, what is printed, exit codes (0, 1 for a failure, 2 for a wrong use)."""
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import containers
import process
import tls
from node import stop
from server import NOT_READY
from servers import SERVERS, named
from settings import DIR, HERE, Failure

NAMES = "|".join([*(server.name for server in SERVERS), "all"])
NODES = ", ".join(server.name if server.most_nodes == 1 else f"{server.name}-1..{server.most_nodes}"
                  for server in SERVERS)
USAGE = f"""\
services up [{NAMES}]... [--nodes 1|3] [--secure] [--fresh]
services down [{NAMES}]... [--wipe]
services status                   one line for each node: name, pid, memory, where it answers
services fetch [NAME|all]...      only download, start nothing
services logs NODE [tail options] NODE: {NODES}
services kill NODE                SIGKILL, as a crash;  stop NODE: SIGTERM
services start NODE               starts a killed or stopped node again on its old data
services pause NODE, resume NODE  SIGSTOP, SIGCONT
{"".join(server.help for server in SERVERS)}services env                      prints shell variables with the addresses
"""


class Options(NamedTuple):
    """The arguments of up, down and fetch, checked."""
    names: list
    nodes: int = 1
    secure: bool = False
    # Set by --fresh of up and by --wipe of down.
    wipe: bool = False


def parse(arguments):
    """The arguments of up, down and fetch. Raises Failure for those that are wrong."""
    names, nodes, secure, wipe = [], "1", False, False
    rest = iter(arguments)
    for argument in rest:
        if argument == "--nodes":
            nodes = next(rest, "")
        elif argument.startswith("--nodes="):
            nodes = argument.partition("=")[2]
        elif argument == "--secure":
            secure = True
        elif argument in ("--fresh", "--wipe"):
            wipe = True
        elif argument.startswith("-"):
            raise Failure(f"there is no option {argument}: --nodes, --secure, --fresh or --wipe")
        else:
            names.append(argument)
    if nodes not in ("1", "3"):
        raise Failure("--nodes is 1 or 3")
    return Options(named(names), int(nodes), secure, wipe)


def since(began):
    """The seconds since then, as in `1.2 s`."""
    tenths = int((time.monotonic() - began) * 10)
    return f"{tenths // 10}.{tenths % 10} s"


# ---- Several servers ----------------------------------------------------------------------------------------

def up(arguments):
    """Lays out and starts the nodes that do not run yet, and waits until all of them answer."""
    options = parse(arguments)
    if containers.are_wanted():
        if options.nodes != 1 or options.secure:
            raise Failure("three nodes and --secure take Java and Maven")
        containers.up(options.names, lambda server: reuse(server, options))
        return
    if subprocess.run([str(HERE / "../needs"), "servers"]).returncode:
        sys.exit(1)
    for server in options.names:
        if options.wipe:
            server.wipe()
        if not reuse(server, options):
            print(bring_up(server, options))


def reuse(server, options):
    """Whether a server that was not started here answers where ours would. Prints a line when it does."""
    if server.nodes() or options.nodes != 1 or options.secure or options.wipe:
        return False
    try:
        said = server.ask_once()
    except NOT_READY:
        return False
    print(f"{server.name} already answers on {server.first}, reused: {said}")
    return True


def bring_up(server, options):
    """Brings one kind of server up, and returns the line that says so."""
    if options.secure:
        tls.make([host for node in SERVERS for host in node.hosts()])
    nodes = server.lay_out(options.nodes, options.secure)
    server.fetch()
    fetched = time.monotonic()
    down = [node for node in nodes if node.pid is None]
    server.start_nodes(down)
    said = server.wait_ready(nodes, len(nodes))
    if not down:
        return f"{server.name} ready on {server.addresses()}: {said} (was up)"
    server.settle(nodes)
    secure = " (TLS and password)" if nodes[0].is_secure else ""
    return f"{server.name} ready on {server.addresses()}{secure}: {said} (up in {since(fetched)})"


def down(arguments):
    """Stops the servers, the last one first."""
    options = parse(arguments)
    if containers.are_wanted():
        sys.exit(containers.down(options.wipe))
    for server in reversed(options.names):
        if not server.nodes():
            print(f"{server.name} was not started here")
            continue
        if options.wipe:
            server.wipe()
        else:
            stop(server.nodes())
        print(f"{server.name} down")


def fetch(arguments):
    """Downloads the servers and starts nothing."""
    for server in parse(arguments).names:
        began = time.monotonic()
        server.fetch()
        print(f"{server.name} fetched ({since(began)})")


def status(_):
    """One line a node; for a kind without nodes, whether something answers at the usual address."""
    for server in SERVERS:
        if not server.nodes():
            try:
                said = server.ask_once()
            except NOT_READY:
                said = "nothing answers"
            print(f"{server.name:<12} not started here; {server.first}: {said}")
        for node in server.nodes():
            print(line_of(server, node))


def line_of(server, node):
    """The line of `status` about one node."""
    pid = node.pid
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        text = ""
    memory = re.search(r"^VmRSS:\s*(\d+)", text, re.M)
    if pid is None or memory is None:
        return f"{node.name:<12} down"
    state = "paused" if "\nState:\tT" in text else "up"
    secure = " secure" if node.is_secure else ""
    return f"{node.name:<12} {state:<7} pid {pid:<8} {int(memory[1]) // 1024:5d} MiB  {server.address(node)}{secure}"


def env(_):
    """Prints the addresses as shell variables."""
    for server in SERVERS:
        print(server.environment.format(server.addresses()))
    if tls.is_made():
        print(f"SERVICES_SECURE={tls.FOLDER}")


# ---- One node -----------------------------------------------------------------------------------------------

def known(arguments):
    """The kind and the node that the first argument names. Raises Failure."""
    name = arguments[0] if arguments else ""
    pairs = [(server, node) for server in SERVERS for node in server.nodes()]
    for server, node in pairs:
        if node.name == name:
            return server, node
    there = " ".join(node.name for _, node in pairs) or "none is set up, see: services up"
    raise Failure(f"there is no node '{name}': {there}")


def logs(arguments):
    """Becomes tail on the log of a node."""
    _, node = known(arguments)
    process.become(["tail", *(arguments[1:] or ["-n40"]), str(node.log)])


def send(number, said, arguments):
    """Sends a signal to a node that runs; one that ends it is waited for."""
    _, node = known(arguments)
    if node.pid is None:
        raise Failure(f"{node.name} does not run")
    if number in (signal.SIGKILL, signal.SIGTERM):
        stop([node], number)
    else:
        node.signal(number)
    print(f"{node.name} {said}")


def start(arguments):
    """Starts one node again, and waits until all of its kind that run know of each other."""
    server, node = known(arguments)
    began = time.monotonic()
    if node.pid is None:
        server.start_nodes([node])
    running = server.running()
    others = [other for other in running if other.name != node.name]
    said = server.wait_ready([*others, node], len(running))
    print(f"{node.name} ready on {server.address(node)}: {said} (up in {since(began)})")


VERBS = {
    "up": up, "down": down, "fetch": fetch, "status": status, "env": env, "logs": logs, "start": start,
    "kill": lambda arguments: send(signal.SIGKILL, "killed", arguments),
    "stop": lambda arguments: send(signal.SIGTERM, "stopped", arguments),
    "pause": lambda arguments: send(signal.SIGSTOP, "paused", arguments),
    "resume": lambda arguments: send(signal.SIGCONT, "resumed", arguments),
    **{verb: run for server in SERVERS for verb, run in server.verbs().items()},
}


def main(arguments):
    """Runs one verb. Raises Failure, or SystemExit with an exit code of its own."""
    # Print each line as it comes, also into a pipe. Let an interrupt end the program, unless its caller ignores those.
    sys.stdout.reconfigure(line_buffering=True)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    verb, *rest = arguments or ["help"]
    if verb in ("help", "-h", "--help"):
        print(USAGE, end="")
        return
    if verb not in VERBS:
        print(USAGE, end="", file=sys.stderr)
        sys.exit(2)
    try:
        DIR.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise Failure(f"cannot make the folder {DIR}, which SERVICES_DIR sets: {problem.strerror}") from None
    try:
        VERBS[verb](rest)
    except BrokenPipeError:
        # The reader has seen enough, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
