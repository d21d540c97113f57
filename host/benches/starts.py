"""Starts `host run` again and again and prints when each phase ended. Called by `start`, which starts the servers."""
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime

sys.path.insert(0, "host/tests/services")
from cql import Cql

RUNS = int(os.environ.get("RUNS", 9))
HOST, PLUGIN = "target/release/host", "plugins/order_enrich.wasm"
BROKERS, NODE = os.environ["KAFKA_BOOTSTRAP_SERVERS"], os.environ["CASSANDRA_CONTACT_POINTS"]
# A name for this run alone: on servers that are kept, earlier runs have left theirs.
RUN = f"start{int(time.time())}"
TOPIC, EMPTY = f"{RUN}-orders", f"{RUN}-empty"
# The line in the log that ends each phase.
SAID = {"plugin ready": r"its compiled form was kept|cache: compiled", "checks done, statements prepared": r"app::run: running",
        "partitions assigned": r"lane: assigned"}
ROW, WALL, CPU = "first row in the table", "run over", "processor time"


def done(command):
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{ended.stdout}{ended.stderr}")


def to(keyspace):
    return ["--to", f"cassandra://{NODE}/{keyspace}"]


def topic(name):
    return ["--from", f"kafka://{BROKERS}/{name}"]


def start(keyspace, cache, more):
    """Returns the process, its log, and the time of its start by the clock of the log."""
    command = [HOST, "run", "--plugin", PLUGIN, *to(keyspace), "--admin", "off", "--log-level", "debug", *more]
    log, began = tempfile.TemporaryFile("w+"), time.time()
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, env={**os.environ, "HOST_COMPILE_CACHE": cache}), log, began


def phases(log, began):
    log.seek(0)
    text, ends = log.read(), {}
    for phase, said in SAID.items():
        line = re.search(rf"^(\S+)Z .*(?:{said})", text, re.M)
        if not line:
            sys.exit(f"nothing about `{phase}` in the log:\n{text}")
        ends[phase] = datetime.fromisoformat(line[1] + "+00:00").timestamp() - began
    return ends


def to_first_row(cql, keyspace, cache, *more):
    """Ends the run as soon as a row is there. It commits then, and a static member stays in its group."""
    child, log, began = start(keyspace, cache, [*topic(TOPIC), *more])
    while not cql.query(f"SELECT order_id FROM {keyspace}.orders LIMIT 1")[1]:
        if child.poll() is not None or time.time() > began + 30:
            log.seek(0)
            sys.exit(f"no row came:\n{log.read()}")
        time.sleep(0.002)
    row = time.time() - began
    child.send_signal(signal.SIGINT)
    child.wait()
    return {**phases(log, began), ROW: row}


def to_the_end(cql, keyspace, cache, *more):
    """Times a run that has nothing to read."""
    child, log, began = start(keyspace, cache, [*topic(EMPTY), "--exit-at-end", *more])
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.time() - began
    child.returncode = status
    if status:
        log.seek(0)
        sys.exit(f"it failed:\n{log.read()}")
    return {**phases(log, began), WALL: wall, CPU: usage.ru_utime + usage.ru_stime}


def main():
    cql, at = Cql(NODE if ":" in NODE else f"{NODE}:9042", None, None), tempfile.mkdtemp()
    os.chmod(at, 0o700)
    done([HOST, "generate", "orders", "--rows", "1000", "--seed", "1", "--out", f"{at}/orders.csv"])
    for name in (TOPIC, EMPTY):
        done([HOST, "setup", *topic(name), *to(RUN)])
    group = lambda kind, number: ["--group", f"{RUN}-{kind}-{number}"]
    kinds = {
        "nothing compiled before": lambda number, ks: to_first_row(cql, ks, f"{at}/cold{number}", *group("cold", number)),
        "compiled before": lambda number, ks: to_first_row(cql, ks, f"{at}/warm", *group("warm", number)),
        "again": lambda number, ks: to_first_row(cql, ks, f"{at}/warm", *group("again", number)),
        "static member": lambda _, ks: to_first_row(cql, ks, f"{at}/warm", *group("static", 0), "--group-instance", "one"),
        "nothing to read": lambda number, ks: to_the_end(cql, ks, f"{at}/warm", *group("empty", number)),
    }
    seen = {kind: [] for kind in kinds}
    for number in range(RUNS + 1):
        for index, (kind, once) in enumerate(kinds.items()):
            keyspace = f"{RUN}_{number}_{index}"
            done([HOST, "setup", *topic(TOPIC), *to(keyspace)])
            # A static member goes on where it was, so it needs new records each time.
            done([HOST, "produce", f"{at}/orders.csv", "--to", f"kafka://{BROKERS}/{TOPIC}"])
            came = once(number, keyspace)
            cql.query(f"DROP KEYSPACE {keyspace}")
            # The first round fills caches, also those of the servers.
            if number:
                seen[kind].append(came)
    shutil.rmtree(at)
    os.makedirs("target/bench", exist_ok=True)
    with open("target/bench/start.json", "w") as file:
        json.dump({"runs": RUNS, "seconds": seen}, file, indent=1)
    print(f"ms since the start, median of {RUNS} (least-most)")
    for kind, runs in seen.items():
        print(kind)
        for phase in runs[0]:
            ms = sorted(run[phase] * 1000 for run in runs)
            print(f"  {phase:34} {statistics.median(ms):6.0f} ({ms[0]:.0f}-{ms[-1]:.0f})")


main()
