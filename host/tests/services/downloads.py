"""Fetches the artifacts of the servers through Maven and its settings, and finds a Java that runs them."""
import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from settings import DIR, HERE, Failure


def maven(name, *arguments):
    """Runs Maven on the pom of one server. Raises Failure with its output, which holds nothing of use otherwise."""
    command = ["mvn", "-B", "-q", "-ntp", "-Dstyle.color=never", "-f", str(HERE / name / "pom.xml"), *arguments]
    said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if said.returncode:
        raise Failure(f"Maven cannot fetch {name}:\n{said.stdout}")


def classpath(name):
    """The class path of one server's pom. Maven resolves it once; again when the pom changes or a jar is gone."""
    file, key_file = DIR / "classpath" / name, DIR / "classpath" / f"{name}.key"
    key = hashlib.sha256((HERE / name / "pom.xml").read_bytes()).hexdigest()
    kept = file.read_text().strip() if file.exists() and key_file.exists() else ""
    if kept and key_file.read_text() == key and all(os.path.exists(jar) for jar in kept.split(":")):
        return kept
    file.parent.mkdir(exist_ok=True)
    maven(name, "dependency:build-classpath", f"-Dmdep.outputFile={file}")
    key_file.write_text(key)
    return file.read_text().strip()


def unpacked(name, version, *arguments):
    """The folder that a server's distribution is unpacked in, by Maven, once for each version."""
    folder = DIR / "dist" / f"{name}-{version}"
    if not (folder / ".complete").exists():
        maven(name, "dependency:unpack", f"-Dservices.unpack={folder}", *arguments)
        (folder / ".complete").touch()
    return folder


def has_java_and_maven():
    """Whether this machine can run the servers itself."""
    return shutil.which("java") is not None and shutil.which("mvn") is not None


def java_between(least, most):
    """The first Java of such a version: in JAVA_HOME, then in the folder beside the one on the PATH. None without."""
    homes = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    on_path = shutil.which("java")
    if on_path:
        homes += sorted(Path(on_path).resolve().parents[2].glob("*"))
    for home in homes:
        java = home / "bin/java"
        try:
            version = re.search(r'^JAVA_VERSION="(\d+)', (home / "release").read_text(), re.M)
        except OSError:
            continue
        if version and least <= int(version[1]) <= most and os.access(java, os.X_OK):
            return str(java)
    return None
