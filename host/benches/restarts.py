"""Starts `host run` under full load. Called by `restarts`, which starts the servers."""
import json
import multiprocessing
import os
import re
import selectors
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from datetime import datetime

sys.path.insert(0, "host/tests/services")
from cql import Cql
from wire import read_exactly

STARTS, RECORDS = int(os.environ.get("STARTS", 20)), 200
# Connections that read whole tables, requests in flight on each of them, and processes that write.
READERS, DEEP, WRITERS = (int(os.environ.get(name, usual)) for name, usual in
                          (("READERS", 8), ("DEEP", 8), ("WRITERS", 1)))
TABLE_ROWS = int(os.environ.get("TABLE_ROWS", 50_000))
# Far longer than a start takes: it asks each of its questions for a minute.
PATIENCE = 600
HOST, PLUGIN = os.environ.get("HOST", "target/release/host"), os.environ.get("PLUGIN", "plugins/order_enrich.wasm")
BROKERS, NODE = os.environ["KAFKA_BOOTSTRAP_SERVERS"], os.environ["CASSANDRA_CONTACT_POINTS"]
ADDRESS = NODE if ":" in NODE else f"{NODE}:9042"
RUN = f"restarts{int(time.time())}"


def done(command):
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{ended.stdout}{ended.stderr}")


def fill():
    """Fills a table that takes the node a while to read."""
    with Cql(ADDRESS, None, None) as node:
        node.query(f"CREATE KEYSPACE {RUN}_load WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}")
        node.query(f"CREATE TABLE {RUN}_load.wide (part int, row int, text text, PRIMARY KEY (part, row))")
        text = "x" * 100
        for begin in range(0, TABLE_ROWS, 100):
            rows = "".join(f"INSERT INTO {RUN}_load.wide (part, row, text) VALUES ({begin // 1000}, {row}, '{text}');"
                           for row in range(begin, begin + 100))
            node.query(f"BEGIN UNLOGGED BATCH {rows} APPLY BATCH")


def frame(stream, text):
    text = text.encode()
    body = struct.pack(">i", len(text)) + text + struct.pack(">HB", 1, 0)
    return struct.pack(">BBhBi", 0x04, 0, stream, 0x07, len(body)) + body


def load(connections, deep, statement, counts):
    """Keeps `deep` requests in flight on each connection, for ever: after each answer, or error, it sends the next one."""
    chosen = selectors.DefaultSelector()
    for _ in range(connections):
        node = Cql(ADDRESS, None, None, timeout=120)
        chosen.register(node.sock, selectors.EVENT_READ)
        node.sock.sendall(b"".join(frame(stream, statement(stream)) for stream in range(deep)))
    number = deep
    while True:
        for key, _ in chosen.select():
            try:
                _, _, stream, opcode, length = struct.unpack(">BBhBi", read_exactly(key.fileobj, 9))
                read_exactly(key.fileobj, length)
                number += 1
                key.fileobj.sendall(frame(stream, statement(number)))
            except OSError:
                # The node has closed this connection. The others go on.
                chosen.unregister(key.fileobj)
                continue
            with counts.get_lock():
                counts[1 if opcode == 0 else 0] += 1


def reading(number):
    return f"SELECT count(*) FROM {RUN}_load.wide"


def writing(number):
    return f"INSERT INTO {RUN}_load.wide (part, row, text) VALUES ({number % 997}, {number % 100_000}, 'y')"


def small_read():
    """Returns the seconds that the node takes to list its keyspaces, or None if it does not answer."""
    began = time.monotonic()
    try:
        with Cql(ADDRESS, None, None, timeout=30) as node:
            node.query("SELECT keyspace_name FROM system_schema.keyspaces")
    except (OSError, ValueError):
        return None
    return time.monotonic() - began


def start(number, cache):
    """Starts the program once, with a consumer group of its own, so that it writes all records."""
    command = [HOST, "run", "--plugin", PLUGIN, "--from", f"kafka://{BROKERS}/{RUN}", "--to", f"cassandra://{NODE}/{RUN}",
               "--group", f"{RUN}-{number}", "--exit-at-end", "--admin", "off"]
    began, clock = time.monotonic(), time.time()
    with tempfile.TemporaryFile("w+") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "HOST_COMPILE_CACHE": cache})
        try:
            code = child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            code = child.wait()
        log.seek(0)
        text = log.read()
    wrote = f"{RECORDS} rows written" in text
    error = re.search(r"^error: .*", text, re.M)
    running = re.search(r"^(\S+)Z .*app::run: running", text, re.M)
    running = datetime.fromisoformat(running[1] + "+00:00").timestamp() - clock if running else None
    return {"code": code, "wrote": wrote, "seconds": time.monotonic() - began, "running": running, "asked_again": text.count("asking again"),
            "error": error[0] if error else None if wrote else text[-2000:]}


def main():
    at = tempfile.mkdtemp()
    os.chmod(at, 0o700)
    done([HOST, "generate", "orders", "--rows", str(RECORDS), "--seed", "1", "--out", f"{at}/orders.csv"])
    done([HOST, "setup", "--from", f"kafka://{BROKERS}/{RUN}", "--to", f"cassandra://{NODE}/{RUN}"])
    done([HOST, "produce", f"{at}/orders.csv", "--to", f"kafka://{BROKERS}/{RUN}"])
    fill()
    idle = small_read()
    counts = multiprocessing.Array("q", [0, 0])
    loads = [multiprocessing.Process(target=load, args=(READERS, DEEP, reading, counts), daemon=True)]
    loads += [multiprocessing.Process(target=load, args=(4, 128, writing, counts), daemon=True) for _ in range(WRITERS)]
    for process in loads:
        process.start()
    # Wait until the first requests are in the node's queues.
    time.sleep(10)
    seen = []
    for number in range(STARTS):
        came = {"small_read": small_read(), **start(number, f"{at}/cache")}
        seen.append(came)
        read = f"{came['small_read']:.1f} s" if came["small_read"] else "no answer"
        running = f"{came['running']:.1f}" if came["running"] else "never"
        print(f"{number + 1:3}  exit {came['code']}  running after {running} s, over after {came['seconds']:.1f} s  asked again {came['asked_again']}  small read {read}"
              f"  {came['error'] or ''}", flush=True)
    for process in loads:
        process.kill()
    ran = sum(came["code"] == 0 and came["wrote"] for came in seen)
    wrong = sum(came["code"] == 2 for came in seen)
    seconds = sorted(came["seconds"] for came in seen)
    print(f"{STARTS} starts: {ran} wrote all their records, {wrong} wrong verdicts, {sum(came['code'] == 3 for came in seen)} gave up; "
          f"{statistics.median(seconds):.1f} s a start ({seconds[0]:.1f}-{seconds[-1]:.1f}); small read {idle * 1000:.0f} ms without load; "
          f"load: {counts[0]} answers, {counts[1]} errors")
    os.makedirs("target/bench", exist_ok=True)
    with open("target/bench/restarts.json", "w") as file:
        json.dump({"starts": seen, "idle_small_read": idle, "answers": counts[0], "errors": counts[1]}, file, indent=1)
    with Cql(ADDRESS, None, None, timeout=120) as node:
        for keyspace in (RUN, f"{RUN}_load"):
            node.query(f"DROP KEYSPACE {keyspace}")
    sys.exit(0 if ran == STARTS else 1)


main()
