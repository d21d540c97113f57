"""A Confluent-compatible schema registry, Apicurio: one node, which keeps its schemas in a file of H2."""
import http.client
import json
import re
import urllib.request

import downloads
import wire
from ports import Port
from server import Server
from settings import HERE, Failure, number, text

HOST = text("REGISTRY_HOST", "127.0.0.1")
PORT = number("REGISTRY_PORT", 8081)
MANAGEMENT_PORT = number("REGISTRY_MANAGEMENT_PORT", 18080)
HEAP = text("REGISTRY_HEAP", "384M")

# The newest version needs Java 21. This one runs on 17.
FOR_OLDER_JAVA = "3.0.9"


class Registry(Server):
    """One node, always without TLS."""

    name = "registry"
    first = f"{HOST}:{PORT}"
    environment = "SCHEMA_REGISTRY_URL=http://{}/apis/ccompat/v7"

    def fetch(self):
        distribution()

    def ports(self, number, layout):
        return [Port(*wire.split(layout["address"]), "REGISTRY_PORT"),
                Port("127.0.0.1", int(layout["management"]), "REGISTRY_MANAGEMENT_PORT")]

    def more_layout(self):
        return {"management": str(MANAGEMENT_PORT)}

    def layout(self, node, layout):
        """Writes nothing: all settings are in the environment of the process."""

    def start(self, nodes):
        java, jar = distribution()
        for node in nodes:
            host, port = wire.split(node.layout["address"])
            (node.folder / "tmp").mkdir(exist_ok=True)
            node.launch(
                [java, f"-Xmx{HEAP}", f"-Djava.io.tmpdir={node.folder}/tmp", "-jar", str(jar)],
                QUARKUS_HTTP_HOST=host, QUARKUS_HTTP_PORT=str(port), QUARKUS_MANAGEMENT_HOST="127.0.0.1",
                QUARKUS_MANAGEMENT_PORT=node.layout["management"], APICURIO_CCOMPAT_MAX_SUBJECTS="100000",
                APICURIO_REST_DELETION_ARTIFACT_ENABLED="true", APICURIO_REST_DELETION_ARTIFACT_VERSION_ENABLED="true",
                APICURIO_DATASOURCE_JDBC_INITIAL_SIZE="2", APICURIO_DATASOURCE_JDBC_MIN_SIZE="2",
                APICURIO_DATASOURCE_URL=f"jdbc:h2:file:{node.folder}/h2")

    def ready(self, address, nodes, alive, access):
        """The registry answers with its list of subjects."""
        try:
            with urllib.request.urlopen(f"http://{address}/apis/ccompat/v7/subjects", timeout=10) as answer:
                subjects = json.load(answer)
        except http.client.HTTPException as problem:
            raise ValueError(f"no HTTP: {problem}") from None
        if not isinstance(subjects, list):
            raise ValueError("the answer is not a list of subjects")
        return "answers"


SERVER = Registry()


def distribution():
    """The Java and the jar to run: the version that the pom names, or an older one where there is no Java 21."""
    home = text("REGISTRY_JAVA_HOME")
    java = f"{home}/bin/java" if home else downloads.java_between(21, 99)
    pinned = re.search("<apicurio.version>(.*)</apicurio.version>", (HERE / "registry/pom.xml").read_text())[1]
    version = text("REGISTRY_VERSION", pinned if java else FOR_OLDER_JAVA)
    folder = downloads.unpacked("registry", version, f"-Dapicurio.version={version}")
    jars = [folder / "quarkus-run.jar", *folder.glob("apicurio-registry-app-*-runner.jar")]
    for jar in jars:
        if jar.exists():
            return java or "java", jar
    raise Failure(f"registry {version} has no jar to run in {folder}; remove that folder to fetch it again")
