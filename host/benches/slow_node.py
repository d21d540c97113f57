"""Slows one of three Cassandra nodes while `host run` writes. Called by `slow-node`, which starts the servers."""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

RATE, SLOW = int(os.environ.get("RATE", 2500)), float(os.environ.get("SLOW", 30))
LIMITS = os.environ.get("LIMITS", "auto 500").split()
BEFORE, BACK = 20, 10
# Nodes that have just started take several times as long for a row, so these rows warm them up.
WARM_UP_ROWS = int(os.environ.get("WARM_UP_ROWS", 400_000))
HOST, PLUGIN = "target/release/host", "plugins/order_enrich.wasm"
BROKERS, NODES = os.environ["KAFKA_BOOTSTRAP_SERVERS"], os.environ["CASSANDRA_CONTACT_POINTS"]
THIRD = int(open(os.environ["SERVICES_DIR"] + "/cassandra-3/pid").read().split()[0])
# Seconds of one pulse, and those of them in which the node works: a tenth.
PULSE, WORKS = 0.05, 0.005


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def metrics(address):
    """Returns the values by their names with labels."""
    with urllib.request.urlopen(f"http://{address}/metrics") as answer:
        lines = [line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def quantile(before, after, name, part):
    """Returns the milliseconds below which this part of the values between the two lies, as if each bucket were spread evenly."""
    pattern = re.compile(re.escape(name) + r'_bucket\{(?:.*,)?le="([^"]+)"')
    counts = sorted((float(found[1]), after[key] - before.get(key, 0))
                    for key in after if (found := pattern.match(key)))
    wanted, low, below = part * counts[-1][1], 0, 0
    for bound, count in counts:
        if count >= wanted and count > below:
            high = low if bound == float("inf") else bound
            return (low + (high - low) * (wanted - below) / (count - below)) * 1000
        low, below = bound, count
    return 0


def phase(address, seconds):
    before, began = metrics(address), time.monotonic()
    time.sleep(seconds)
    after, took = metrics(address), time.monotonic() - began
    of = lambda name: sum(value - before.get(key, 0) for key, value in after.items() if key.startswith(name))
    return {"rows_s": of("host_rows_written_total") / took, "retries": of("host_retries_total"),
            "p50_ms": quantile(before, after, "host_record_latency_seconds", 0.5),
            "p99_ms": quantile(before, after, "host_record_latency_seconds", 0.99)}


def slowed(seconds):
    """Stops the node in pulses, in a thread of its own. The node runs again when the thread ends."""
    def pulse():
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            os.kill(THIRD, signal.SIGSTOP)
            time.sleep(PULSE - WORKS)
            os.kill(THIRD, signal.SIGCONT)
            time.sleep(WORKS)
    thread = threading.Thread(target=pulse)
    thread.start()
    return thread


def load(topic, file):
    rate = ["--rate", f"{RATE}/s"] if RATE else []
    command = [HOST, "produce", file, "--to", f"kafka://{BROKERS}/{topic}", *rate]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def warm_up(at):
    topic, keyspace = f"kafka://{BROKERS}/slow-warm-up", f"cassandra://{NODES}/slow_warm_up"
    run([HOST, "generate", "orders", "--rows", str(WARM_UP_ROWS), "--seed", "4", "--out", f"{at}/warm-up.csv"])
    run([HOST, "setup", "--from", topic, "--to", keyspace])
    run([HOST, "produce", f"{at}/warm-up.csv", "--to", topic])
    run([HOST, "run", "--plugin", PLUGIN, "--from", topic, "--to", keyspace, "--exit-at-end", "--admin", "off"])


def measure(number, limit, at, file):
    topic, keyspace, address = f"slow-{number}", f"slow_{number}", "127.0.0.1:34171"
    run([HOST, "setup", "--from", f"kafka://{BROKERS}/{topic}", "--to", f"cassandra://{NODES}/{keyspace}"])
    producer = load(topic, file)
    with open(f"{at}/{number}.log", "w") as said:
        host = subprocess.Popen([HOST, "run", "--plugin", PLUGIN, "--from", f"kafka://{BROKERS}/{topic}", "--to",
                                 f"cassandra://{NODES}/{keyspace}", "--admin", address, "--group", topic],
                                stdout=said, stderr=said, env={**os.environ, "HOST_WRITES_IN_FLIGHT": limit})
    try:
        time.sleep(10)
        phases = {"before": phase(address, BEFORE)}
        pulses = slowed(SLOW)
        phases["slowed"] = phase(address, SLOW - 1)
        pulses.join()
        time.sleep(BACK)
        phases["after"] = phase(address, BEFORE)
    finally:
        producer.kill()
        producer.wait()
        host.terminate()
        host.wait()
    return phases


results = []
with tempfile.TemporaryDirectory() as at:
    rows = int((RATE or 12_000) * (BEFORE * 2 + SLOW + BACK + 40))
    run([HOST, "generate", "orders", "--rows", str(rows), "--seed", "3", "--out", f"{at}/orders.csv"])
    warm_up(at)
    for number, limit in enumerate(LIMITS):
        results.append((limit, measure(number, limit, at, f"{at}/orders.csv")))
print(f"{f'{RATE} records/s' if RATE else 'a backlog'}; one of three nodes stands still for nine tenths of {SLOW:.0f} s")
print(f"{'in flight':10}{'':10}{'rows/s':>10}{'p50 ms':>10}{'p99 ms':>10}{'to before':>12}{'retries':>10}")
for limit, phases in results:
    for name, of in phases.items():
        ratio = of["p99_ms"] / phases["before"]["p99_ms"]
        print(f"{limit:10}{name:10}{of['rows_s']:10,.0f}{of['p50_ms']:10.1f}{of['p99_ms']:10.1f}{ratio:11.2f}x{of['retries']:10.0f}")
os.makedirs("target/bench", exist_ok=True)
with open("target/bench/slow-node.json", "w") as file:
    json.dump({"rate": RATE, "slow_seconds": SLOW, "results": results}, file, indent=1)
