"""Apache Kafka: brokers that are controllers too, and the tools that tests and people call."""
import struct
import subprocess

import downloads
import process
import tls
import wire
from ports import Port
from server import Server
from settings import HERE, Failure, number, text

HOST = text("KAFKA_HOST", "127.0.0.1")
# Node n listens on PORT + n - 1. The two other ports count up in the same way.
PORT = number("KAFKA_PORT", 9092)
CONTROLLER_PORT = number("KAFKA_CONTROLLER_PORT", 19092)
# Brokers use this one among themselves, with --secure only.
INTERNAL_PORT = number("KAFKA_INTERNAL_PORT", 29092)
HEAP = text("KAFKA_HEAP", "512M")
# More lines for server.properties.
PROPS = text("KAFKA_PROPS")

PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
CLIENT_PROPERTIES = tls.FOLDER / "kafka-client.properties"


class Kafka(Server):
    """Brokers, one or three."""

    name = "kafka"
    first = f"{HOST}:{PORT}"
    environment = "KAFKA_BOOTSTRAP_SERVERS={}"
    most_nodes = 3
    has_tls = True
    help = """\
services topics [ARGS]            kafka-topics, --list without ARGS
services kafka TOOL ARGS          topics, configs, console-consumer, or the class of another tool
"""

    def fetch(self):
        downloads.classpath(self.name)

    def ports(self, number, layout):
        host, port = wire.split(self.nth(layout["address"], number))
        taken = [Port(host, port, "KAFKA_PORT"), Port(HOST, CONTROLLER_PORT + number - 1, "KAFKA_CONTROLLER_PORT")]
        if layout["secure"] == "1":
            taken.append(Port(HOST, INTERNAL_PORT + number - 1, "KAFKA_INTERNAL_PORT"))
        return taken

    def layout(self, node, layout):
        secure = layout["secure"] == "1"
        lines = properties(node, int(layout["nodes"]), secure) + (secure_properties() if secure else "")
        (node.folder / "server.properties").write_text(f"{lines}{PROPS}\n")
        (node.folder / "log4j2.properties").write_bytes((HERE / "kafka/log4j2.properties").read_bytes())
        if secure:
            CLIENT_PROPERTIES.write_text(client_properties())

    def start(self, nodes):
        classes = downloads.classpath(self.name)
        format_folders(nodes, classes)
        for node in nodes:
            node.launch([*java(classes), f"-Xms{HEAP}", "-XX:MaxGCPauseMillis=20", "-XX:+ExplicitGCInvokesConcurrent",
                         logging(node), "kafka.Kafka", str(node.folder / "server.properties")])

    def ready(self, address, nodes, alive, access):
        """The broker answers Metadata, and knows `alive` live brokers and a controller."""
        with wire.connect(address, access and access.ca) as sock:
            if access:
                log_in(sock, access)
            brokers, controller = metadata(sock)
        if len(brokers) < alive or controller < 0:
            raise ValueError(f"knows {len(brokers)} of {alive} brokers, controller {controller}")
        return f"{len(brokers)} broker(s) {' '.join(sorted(brokers))}"

    def verbs(self):
        return {"topics": lambda arguments: run_tool(["topics", *(arguments or ["--list"])]), "kafka": run_tool}


SERVER = Kafka()


# ---- Layout -------------------------------------------------------------------------------------------------

def properties(node, nodes, secure):
    """The text of server.properties for one node, without the lines that --secure adds."""
    n, inner = node.number, ""
    client, between = ("SASL_SSL", "INTERNAL") if secure else ("PLAINTEXT", "PLAINTEXT")
    if secure:
        inner = f",INTERNAL://{HOST}:{INTERNAL_PORT + n - 1}"
    voters = ",".join(f"{i + 1}@{HOST}:{CONTROLLER_PORT + i}" for i in range(nodes))
    in_sync = 2 if nodes > 1 else 1
    return f"""\
process.roles=broker,controller
node.id={n}
controller.quorum.voters={voters}
listeners={client}://{HOST}:{PORT + n - 1},CONTROLLER://{HOST}:{CONTROLLER_PORT + n - 1}{inner}
advertised.listeners={client}://{HOST}:{PORT + n - 1}{inner}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name={between}
log.dirs={node.folder}/data
default.replication.factor={nodes}
min.insync.replicas={in_sync}
offsets.topic.replication.factor={nodes}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={nodes}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor={nodes}
share.coordinator.state.topic.min.isr={in_sync}
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
# Records of tests carry old timestamps, and retention goes by those: within minutes they would be deleted.
log.retention.ms=-1
log.cleaner.dedupe.buffer.size=16777216
"""


def secure_properties():
    """The lines that --secure adds: TLS, passwords, and rights for one user only."""
    users = f'user_{tls.USER}="{tls.PASSWORD}" user_guest="guest-secret"'
    return f"""\
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config={PLAIN} required {users};
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config={SCRAM} required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={SCRAM} required;
ssl.keystore.type=PEM
ssl.keystore.location={tls.FOLDER}/server.pem
ssl.truststore.type=PEM
ssl.truststore.location={tls.CA}
ssl.client.auth=requested
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:{tls.USER}
allow.everyone.if.no.acl.found=false
"""


def client_properties():
    """The properties with which the tools reach secure brokers."""
    return f"""\
security.protocol=SASL_SSL
sasl.mechanism=PLAIN
sasl.jaas.config={PLAIN} required username="{tls.USER}" password="{tls.PASSWORD}";
ssl.truststore.type=PEM
ssl.truststore.location={tls.CA}
"""


# ---- Start --------------------------------------------------------------------------------------------------

def java(classes):
    """The part of the command that the broker shares with the short-lived one that formats its folder."""
    return ["java", f"-Xmx{HEAP}", "-XX:+UseG1GC", "-Djava.awt.headless=true", "-cp", classes]


def logging(node):
    """The JVM option that says how the node logs."""
    return f"-Dlog4j2.configurationFile={node.folder}/log4j2.properties"


def format_folders(nodes, classes):
    """Formats the data folders that are new, all at the same time. Raises Failure."""
    formatting = []
    for node in nodes:
        if (node.folder / "data/meta.properties").exists():
            continue
        command = [*java(classes), "-XX:TieredStopAtLevel=1", logging(node), "kafka.tools.StorageTool", "format",
                   "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c", str(node.folder / "server.properties")]
        with open(node.folder / "format.log", "wb") as log:
            formatting.append((node, subprocess.Popen(command, stdout=log, stderr=log)))
    for node, child in formatting:
        if child.wait():
            raise Failure(f"{node.name}: cannot format its data folder, see {node.folder}/format.log")


# ---- Protocol -----------------------------------------------------------------------------------------------

def call(sock, key, version, body):
    """One request of Kafka's protocol, and a reader of the answer behind its header."""
    client = b"probe"
    request = struct.pack(">hhih", key, version, 1, len(client)) + client + body
    sock.sendall(struct.pack(">i", len(request)) + request)
    answer = wire.Reader(wire.read_exactly(sock, struct.unpack(">i", wire.read_exactly(sock, 4))[0]))
    answer.number("i")
    return answer


def log_in(sock, access):
    """SASL PLAIN. Raises ValueError when the broker refuses it."""
    answer = call(sock, 17, 1, struct.pack(">h5s", 5, b"PLAIN"))
    if answer.number("h"):
        raise ValueError("the broker refuses SASL PLAIN")
    token = b"\0" + access.user.encode() + b"\0" + access.password.encode()
    answer = call(sock, 36, 0, struct.pack(">i", len(token)) + token)
    if answer.number("h"):
        raise ValueError("the broker refuses the password")


def metadata(sock):
    """The live brokers, each as `ID=HOST:PORT`, and the controller's id, negative while there is none."""
    answer = call(sock, 3, 7, struct.pack(">ib", 0, 0))
    answer.number("i")
    brokers = []
    for _ in range(answer.number("i")):
        node, host, port = answer.number("i"), answer.string(), answer.number("i")
        answer.string()
        brokers.append(f"{node}={host}:{port}")
    answer.string()
    return brokers, answer.number("i")


# ---- Tools --------------------------------------------------------------------------------------------------

TOOLS = {
    "topics": "org.apache.kafka.tools.TopicCommand",
    "configs": "kafka.admin.ConfigCommand",
    "console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
}


def run_tool(arguments):
    """Becomes a tool of Kafka. One of TOOLS gets the brokers' addresses and the login; a class gets nothing."""
    name, *rest = arguments or [""]
    if name not in TOOLS and "." not in name:
        raise Failure(f"there is no Kafka tool '{name}': {', '.join(TOOLS)}, or the full name of a tool's class, "
                      "as org.apache.kafka.tools.GetOffsetShell")
    if not downloads.has_java_and_maven():
        raise Failure("the tools of Kafka take Java and Maven")
    more = []
    if name in TOOLS:
        if not any(argument == "--help" or argument.startswith("--bootstrap-") for argument in rest):
            more += ["--bootstrap-server", SERVER.addresses()]
        if any(node.is_secure for node in SERVER.nodes()):
            more += ["--command-config", str(CLIENT_PROPERTIES)]
    process.become(["java", "-Xmx512M", "-XX:TieredStopAtLevel=4",
                    f"-Dlog4j2.configurationFile={HERE}/kafka/tools-log4j2.properties", "-cp",
                    downloads.classpath(SERVER.name), TOOLS.get(name, name), *more, *rest])
