"""The part that all kinds of servers share. A new kind is one file with a subclass, and one line in servers.py.

A subclass says how a node is laid out, how nodes are started, and what a node that is ready answers. The rest is here
and in node.py: ports that are taken, layouts that differ, waiting, pid files, wiping.
"""
import shutil
import time

import ports
import settings
import tls
import wire
from node import Node, laid_out, stop
from settings import Failure

# Seconds that a server may take until it answers.
WAIT = settings.number("SERVICES_WAIT", 180)
# Seconds for one question to something that may not be there.
ONCE = 5
# The errors that `ready` raises while a node is not ready.
NOT_READY = (OSError, ValueError, IndexError)


class Server:
    """One kind of server, with one node or several."""

    # Nodes are called by it: kafka-1 to kafka-3; where there is never a second node, `registry` alone.
    name = ""
    # HOST:PORT of node 1, unless a layout says otherwise.
    first = ""
    # The line of `env`; the addresses take the place of {}.
    environment = ""
    most_nodes = 1
    has_tls = False
    # The user and the password with which a secure node is asked whether it is ready.
    login = (tls.USER, tls.PASSWORD)
    # The lines of `help` about its own verbs.
    help = ""

    # ---- What each kind says for itself -------------------------------------------------------------------

    def fetch(self):
        """Downloads what a node is made of, unless it is there. Raises Failure."""
        raise NotImplementedError

    def ports(self, number, layout):
        """Every `Port` that the node of this number listens on."""
        raise NotImplementedError

    def layout(self, node, layout):
        """Writes the files of one node into its folder, which is empty. Starting it then needs nothing else."""

    def more_layout(self):
        """Further choices, as a dict of texts. Nodes that were laid out with other ones are refused."""
        return {}

    def start(self, nodes):
        """Starts nodes that are laid out and do not run."""
        raise NotImplementedError

    def ready(self, address, nodes, alive, access):
        """Asks the node at HOST:PORT a real question; `alive` of `nodes` have to be there. Returns what it says.

        Raises one of NOT_READY when it is not ready. `access` is None, or what a secure node asks for.
        """
        raise NotImplementedError

    def settle(self, nodes):
        """Does the last steps after `up` has started nodes and all are ready. Raises Failure."""

    def verbs(self):
        """Verbs of its own: for each name a function, which takes the arguments behind the verb."""
        return {}

    # ---- What all kinds share -------------------------------------------------------------------------------

    def nth(self, first, number):
        """The address of the node of this number, given that of node 1."""
        host, port = wire.split(first)
        return f"{host}:{port + number - 1}"

    def nodes(self):
        """Its nodes that are laid out, running or not."""
        return laid_out(self.name)

    def running(self):
        """Its nodes that run."""
        return [node for node in self.nodes() if node.pid is not None]

    def address(self, node):
        """HOST:PORT of a node that is laid out."""
        return self.nth(node.layout["address"], node.number)

    def addresses(self):
        """The addresses of its nodes, or else that of the server that is used as it is; with commas between."""
        return ",".join(map(self.address, self.nodes())) or self.first

    def hosts(self):
        """The hosts that its nodes may listen on."""
        return [wire.split(self.nth(self.first, number + 1))[0] for number in range(self.most_nodes)]

    def access(self, node, login):
        """The credentials for a client of this node; None unless the node is secure."""
        return tls.Access(str(tls.CA), *login) if node.is_secure else None

    def lay_out(self, count, secure):
        """Its nodes, laid out now or before. Raises Failure when they were laid out otherwise, or a port is taken."""
        count = min(count, self.most_nodes)
        wanted = {"nodes": str(count), "secure": str(int(secure and self.has_tls)), "address": self.first,
                  **self.more_layout()}
        away = f"to throw its data away: host/tests/services/services down {self.name} --wipe"
        present = self.nodes()
        for node in present:
            if node.layout != wanted:
                before = " ".join(f"{key}={value}" for key, value in node.layout.items())
                raise Failure(f"{self.name} was set up otherwise before ({before}); {away}")
        names = [self.name] if self.most_nodes == 1 else [f"{self.name}-{n + 1}" for n in range(count)]
        # An interrupted `up` may have laid out some. It starts none of them before all are laid out.
        missing = [Node(name) for name in names if not Node(name).layout_file.exists()]
        if missing and any(node.log.exists() for node in present):
            raise Failure(f"{missing[0].name} is not set up, and other nodes have run without it; {away}")
        for node in missing:
            ports.ensure_free(node.name, self.ports(node.number, wanted))
        for node in missing:
            # A folder without a layout holds nothing of value.
            if node.folder.exists():
                shutil.rmtree(node.folder)
            node.folder.mkdir()
            self.layout(node, wanted)
            node.write_layout(wanted)
        return self.nodes()

    def start_nodes(self, nodes):
        """Starts them, once their ports are free. Raises Failure."""
        for node in nodes:
            ports.ensure_free(node.name, self.ports(node.number, node.layout))
        self.start(nodes)

    def wait_ready(self, nodes, alive):
        """Waits until each of these nodes is ready. Returns what the last one says. Raises Failure."""
        said = ""
        for node in nodes:
            said = self.wait_one(node, alive)
        return said

    def wait_one(self, node, alive):
        """Asks a node until it is ready. Raises Failure when it ends or takes too long."""
        address, access, nodes = self.address(node), self.access(node, self.login), int(node.layout["nodes"])
        end = time.monotonic() + WAIT
        while True:
            if node.pid is None:
                raise Failure(f"{node.name} does not run, see {node.log}")
            try:
                return self.ready(address, nodes, alive, access)
            except NOT_READY as problem:
                if time.monotonic() >= end:
                    raise Failure(f"{node.name} does not answer within {WAIT} s ({problem}), see {node.log}") from None
            time.sleep(0.1)

    def ask_once(self):
        """The answer of a server that was not started here, at the usual address. Raises one of NOT_READY."""
        with wire.within(ONCE):
            return self.ready(self.first, 1, 1, None)

    def wipe(self):
        """Stops its nodes and removes their files."""
        nodes = self.nodes()
        stop(nodes)
        # Remove the layouts first: a folder that an interrupt leaves behind then counts as never set up.
        for node in nodes:
            node.layout_file.unlink(missing_ok=True)
        for node in nodes:
            shutil.rmtree(node.folder, ignore_errors=True)
