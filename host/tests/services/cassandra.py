"""Apache Cassandra: one node, or three whose tokens split the ring evenly."""
import getopt
import sys
import time

import downloads
import ports
import tls
import wire
from cql import CONSISTENCY, Cql
from node import Node
from ports import Port
from server import NOT_READY, WAIT, Server
from settings import HERE, Failure, number, text

# Node n listens on NET.n.
NET = text("CASSANDRA_NET", "127.0.0")
PORT = number("CASSANDRA_PORT", 9042)
STORAGE_PORT = number("CASSANDRA_STORAGE_PORT", 7000)
# Node n listens on JMX_PORT + n - 1.
JMX_PORT = number("CASSANDRA_JMX_PORT", 7199)
HEAP = text("CASSANDRA_HEAP", "512M")
# More lines for cassandra.yaml.
YAML = text("CASSANDRA_YAML")

# Seconds within which a schema change has to reach every node.
AGREEMENT = 20


class Cassandra(Server):
    """Nodes, one or three."""

    name = "cassandra"
    first = f"{NET}.1:{PORT}"
    environment = "CASSANDRA_CONTACT_POINTS={}"
    most_nodes = 3
    has_tls = True
    # The superuser that every node begins with.
    login = ("cassandra", "cassandra")
    help = "services cql [-n NODE] [-c CONSISTENCY] 'STATEMENT'      one statement through a small client\n"

    def fetch(self):
        downloads.classpath(self.name)

    def nth(self, first, number):
        host, port = wire.split(first)
        return f"{host.rpartition('.')[0]}.{number}:{port}"

    def ports(self, number, layout):
        host, port = wire.split(self.nth(layout["address"], number))
        return [Port(host, port, "CASSANDRA_PORT"), Port(host, STORAGE_PORT, "CASSANDRA_STORAGE_PORT"),
                Port("127.0.0.1", JMX_PORT + number - 1, "CASSANDRA_JMX_PORT")]

    def layout(self, node, layout):
        conf = node.folder / "conf"
        conf.mkdir()
        lines = yaml(node, int(layout["nodes"])) + (secure_yaml() if layout["secure"] == "1" else "")
        (conf / "cassandra.yaml").write_text(f"{lines}{YAML}\n")
        (conf / "logback.xml").write_bytes((HERE / "cassandra/logback.xml").read_bytes())

    def start(self, nodes):
        # They start one after another: nodes that join gossip at the same moment may never push a schema change to
        # each other.
        java, classes, before = find_java(), downloads.classpath(self.name), None
        for node in nodes:
            if before is not None:
                self.wait_gossip(before)
            node.launch(command(node, java, classes))
            before = node

    def wait_gossip(self, node):
        """Waits until the node listens for other nodes. Raises Failure."""
        host, _ = wire.split(self.address(node))
        end = time.monotonic() + WAIT
        while not ports.is_open(host, STORAGE_PORT):
            if node.pid is None:
                raise Failure(f"{node.name} does not run, see {node.log}")
            if time.monotonic() > end:
                raise Failure(f"{node.name} does not listen for other nodes within {WAIT} s, see {node.log}")
            time.sleep(0.1)

    def ready(self, address, nodes, alive, access):
        """The node reads a table that is on every node, at the highest consistency that `alive` of `nodes` can give
        (ALL, QUORUM, ONE). It sees all other nodes, and agrees on the schema with those that are alive."""
        level = "ALL" if alive == nodes else "QUORUM" if alive > nodes // 2 else "ONE"
        with connect(address, access) as node:
            node.query("SELECT host_id FROM system_distributed.view_build_status", level)
            version, schema = node.query("SELECT release_version, schema_version FROM system.local")[1][0]
            peers = node.query("SELECT schema_version FROM system.peers_v2")[1]
        if len(peers) != nodes - 1:
            raise ValueError(f"sees {len(peers) + 1} of {nodes} nodes")
        if sum(peer[0] == schema for peer in peers) < alive - 1:
            raise ValueError("the nodes do not agree on the schema")
        return f"{version}, {alive} of {nodes} node(s), reads at {level}"

    def settle(self, nodes):
        access = self.access(nodes[0], self.login)
        addresses = [self.address(node) for node in nodes]
        try:
            if len(nodes) > 1:
                check_schema_changes(addresses, access)
            if access:
                with connect(addresses[-1], access) as node:
                    node.query(f"CREATE ROLE IF NOT EXISTS {tls.USER} WITH PASSWORD = '{tls.PASSWORD}' "
                               "AND LOGIN = true AND SUPERUSER = true")
        except NOT_READY as problem:
            raise Failure(f"cassandra: a schema change fails or does not reach every node: {problem}; see "
                          + ", ".join(str(node.log) for node in nodes)) from None

    def verbs(self):
        return {"cql": self.run_cql}

    def run_cql(self, arguments):
        """One statement on one node, by default the first that runs; prints a table with tabs. Raises Failure."""
        try:
            options, rest = getopt.getopt(arguments, "n:c:")
        except getopt.GetoptError as problem:
            print(f"services cql: {problem}", file=sys.stderr)
            sys.exit(2)
        options = dict(options)
        consistency = options.get("-c", "ONE")
        if consistency.upper() not in CONSISTENCY:
            raise Failure(f"there is no consistency level {consistency}: {', '.join(CONSISTENCY)}")
        if not rest:
            raise Failure("cql takes a statement: services cql 'SELECT release_version FROM system.local'")
        # A server that was not started here is asked at the usual address.
        address, access = self.first, None
        if self.nodes():
            node = self.choose(options.get("-n"))
            address, access = self.address(node), self.access(node, (tls.USER, tls.PASSWORD))
        try:
            with connect(address, access) as connection:
                names, rows = connection.query(rest[0], consistency)
        except (OSError, ValueError) as problem:
            raise Failure(f"{address}: {problem}") from None
        if names:
            print("\t".join(names))
        for row in rows:
            print("\t".join("null" if value is None else str(value) for value in row))

    def choose(self, name):
        """The node of this name or number; without one, the first that runs. Raises Failure."""
        if name:
            node = Node(f"{self.name}-{name}" if name.isdecimal() else name)
            if node.name not in [known.name for known in self.nodes()]:
                raise Failure(f"there is no node '{name}': {' '.join(known.name for known in self.nodes())}")
            return node
        running = self.running()
        if not running:
            raise Failure("cassandra is not up: host/tests/services/services up cassandra")
        return running[0]


SERVER = Cassandra()


# ---- Layout -------------------------------------------------------------------------------------------------

def yaml(node, nodes):
    """The template filled in for one node: cassandra.yaml without the lines that --secure adds."""
    # The least token of the ring is reserved, so the first node gets the next one.
    token = -2**63 + max(1, 2**64 // nodes * (node.number - 1))
    words = {"DIR": node.folder, "ADDRESS": f"{NET}.{node.number}", "TOKEN": token, "PORT": PORT,
             "SEEDS": ",".join(f"{NET}.{n + 1}:{STORAGE_PORT}" for n in range(nodes)), "STORAGE_PORT": STORAGE_PORT}
    lines = (HERE / "cassandra/cassandra.yaml").read_text()
    for word, value in words.items():
        lines = lines.replace(f"@{word}@", str(value))
    return lines


def secure_yaml():
    """The lines that --secure adds: TLS, passwords and rights."""
    return f"""\
authenticator: PasswordAuthenticator
authorizer: CassandraAuthorizer
role_manager: CassandraRoleManager
client_encryption_options:
  enabled: true
  optional: false
  keystore: {tls.FOLDER}/server.p12
  keystore_password: changeit
  store_type: PKCS12
"""


# ---- Start --------------------------------------------------------------------------------------------------

def find_java():
    """Java 17 is what Cassandra 5 is made for. From 24 on, which has no security manager, it does not start."""
    home = text("CASSANDRA_JAVA_HOME")
    java = f"{home}/bin/java" if home else downloads.java_between(17, 17) or downloads.java_between(18, 23)
    if java is None:
        raise Failure("Cassandra takes Java 17 (up to 23 may do); install openjdk-17-jre-headless, or say where it is: "
                      "CASSANDRA_JAVA_HOME=… make up")
    return java


def command(node, java, classes):
    """The command that runs a node."""
    nodes, agent = node.layout["nodes"], [jar for jar in classes.split(":") if "/jamm-" in jar]
    return [
        java, *jvm_options(), "-Djava.security.manager=allow", f"-Xms{HEAP}", f"-Xmx{HEAP}", f"-javaagent:{agent[0]}",
        f"-Dcassandra.config=file://{node.folder}/conf/cassandra.yaml", f"-Dcassandra.storagedir={node.folder}",
        f"-Dcassandra.logdir={node.folder}", f"-Dlogback.configurationFile=file://{node.folder}/conf/logback.xml",
        "-Dcassandra-foreground=yes", f"-Dcassandra.jmx.local.port={JMX_PORT + node.number - 1}",
        f"-Dcassandra.system_auth.default_rf={nodes}", f"-Dcassandra.system_distributed.default_rf={nodes}",
        f"-Dcassandra.system_traces.default_rf={nodes}", f"-Dcassandra.ring_delay_ms={0 if nodes == '1' else 1000}",
        "-cp", classes, "org.apache.cassandra.service.CassandraDaemon"]


def jvm_options():
    """The options in jvm.options. `--add-exports WHAT` becomes one word, as the command line takes it."""
    lines = (HERE / "cassandra/jvm.options").read_text().splitlines()
    return [line.replace(" ", "=", 1) if line.startswith("--add-") else line for line in lines if line.startswith("-")]


# ---- Questions ----------------------------------------------------------------------------------------------

def connect(address, access):
    """A connection to one node, with TLS and a password where it asks for them."""
    return Cql(address, access.ca, f"{access.user}:{access.password}") if access else Cql(address)


def check_schema_changes(addresses, access):
    """Each node in turn creates and drops a keyspace, which has to come and go on all. Raises one of NOT_READY."""
    nodes = []
    try:
        for address in addresses:
            nodes.append(connect(address, access))
        for node in nodes:
            for change in ("CREATE KEYSPACE IF NOT EXISTS services_probe WITH replication = "
                           f"{{'class': 'SimpleStrategy', 'replication_factor': {len(nodes)}}}",
                           "DROP KEYSPACE IF EXISTS services_probe"):
                node.query(change)
                wait_agreement(nodes)
    finally:
        for node in nodes:
            node.sock.close()


def wait_agreement(nodes):
    """Waits until all have the same schema. Raises ValueError when that takes too long."""
    end = time.monotonic() + AGREEMENT
    while len({node.schema_version() for node in nodes}) > 1:
        if time.monotonic() > end:
            raise ValueError(f"no schema agreement after {AGREEMENT} s")
        time.sleep(0.05)
