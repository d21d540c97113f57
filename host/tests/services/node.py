"""One node: its folder with the layout, the log and the pid file, and its process.

The pid file holds the pid and the time at which the process started. A pid that another process has
got since is therefore never taken for the node's.
"""
import os
import signal
import subprocess
import time
from pathlib import Path

from settings import DIR, Failure

# Seconds that a node may take to end by itself before it is killed.
PATIENCE = 40


def stat(pid):
    """The fields of /proc/PID/stat from the third, the state, on; none where there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []


def born(pid):
    """The start of the process, in clock ticks since the machine started."""
    return stat(pid)[19]


class Node:
    """A node by its name: `kafka-1`, `registry`. It need not exist."""

    def __init__(self, name):
        self.name = name
        self.folder = DIR / name
        self.log = self.folder / "out.log"
        self.pid_file = self.folder / "pid"
        self.layout_file = self.folder / "layout"

    @property
    def number(self):
        """1 for the first node of its kind."""
        number = self.name.rpartition("-")[2]
        return int(number) if number.isdecimal() else 1

    @property
    def layout(self):
        """The choices that the node was set up with, as a dict of texts: `nodes`, `secure`, `address` of the first
        node, and more for some servers. Empty when the node is not set up."""
        try:
            lines = self.layout_file.read_text().splitlines()
        except OSError:
            return {}
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def write_layout(self, layout):
        """The last step of setting a node up: from here on it exists."""
        self.layout_file.write_text("".join(f"{key}={value}\n" for key, value in layout.items()))

    @property
    def is_secure(self):
        """Whether it asks for TLS and a password."""
        return self.layout.get("secure") == "1"

    @property
    def pid(self):
        """The pid while the node runs, paused or not; else None."""
        try:
            pid, birth = self.pid_file.read_text().split()
        except (OSError, ValueError):
            return None
        fields = stat(pid)
        # A zombie has ended: its parent has only not asked for its exit code yet.
        return int(pid) if fields and fields[0] != "Z" and fields[19] == birth else None

    def launch(self, command, **environment):
        """Starts the process in a session of its own, so that it outlives this one; its output goes to the log.

        The process itself writes the pid file before it becomes the command: whenever this program is interrupted,
        there is no node without one. Raises Failure when the command cannot be started.
        """
        def note_pid():
            self.pid_file.write_text(f"{os.getpid()} {born(os.getpid())}\n")

        with open(self.log, "wb") as log:
            try:
                subprocess.Popen(
                    command, cwd=self.folder, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=log,
                    stderr=log, start_new_session=True, preexec_fn=note_pid)
            except OSError as problem:
                raise Failure(f"{self.name}: cannot start {command[0]}: {problem}") from None

    def signal(self, number):
        """Sends a signal. False when the node does not run."""
        pid = self.pid
        try:
            if pid is not None:
                os.kill(pid, number)
                return True
        except ProcessLookupError:
            pass
        return False

    def has_ended(self, seconds):
        """Waits up to so many seconds for it to end, and returns whether it has."""
        end = time.monotonic() + seconds
        while self.pid is not None:
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
        return True


def laid_out(kind):
    """The nodes of one kind that are set up, running or not, in the order of their numbers."""
    paths = [*sorted(DIR.glob(f"{kind}-[0-9]")), DIR / kind]
    return [Node(path.name) for path in paths if (path / "layout").exists()]


def stop(nodes, number=signal.SIGTERM):
    """Sends the signal to all of them and waits until they are gone. One that takes too long is killed."""
    for node in nodes:
        node.signal(number)
        # A paused process handles other signals only after this one.
        node.signal(signal.SIGCONT)
    for node in nodes:
        if not node.has_ended(PATIENCE):
            node.signal(signal.SIGKILL)
            node.has_ended(PATIENCE)
        node.pid_file.unlink(missing_ok=True)
