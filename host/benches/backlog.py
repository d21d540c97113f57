"""Lets records wait, then measures the memory of a `host run` until it has caught up. Called by `backlog`, which starts the
servers."""
import csv
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROWS = int(os.environ.get("ROWS", 1_000_000))
HOST, BARE, PLUGIN = "target/release/host", "target/release/examples/bare", "plugins/order_enrich.wasm"
BROKERS, NODE = os.environ["KAFKA_BOOTSTRAP_SERVERS"], os.environ["CASSANDRA_CONTACT_POINTS"]
# A name for this run alone: on servers that are kept, earlier runs have left theirs.
RUN = f"backlog_{int(time.time())}"
TOPIC, TABLE = f"kafka://{BROKERS}/{RUN}", f"cassandra://{NODE}/{RUN}"
MOST_MB = 120
# How much more it may hold in the last quarter than in the second one. The first quarter fills caches.
MOST_GROWTH = 1.1


def done(command):
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def wait_there():
    """Puts the records into the topic. Returns how many rows they make, since an order may come twice."""
    with tempfile.TemporaryDirectory() as at:
        done([HOST, "generate", "orders", "--rows", str(ROWS), "--seed", "1", "--out", f"{at}/orders.csv"])
        done([HOST, "setup", "--from", TOPIC, "--to", TABLE])
        done([HOST, "produce", f"{at}/orders.csv", "--format", "avro", "--to", TOPIC])
        with open(f"{at}/orders.csv") as file:
            key = lambda row: (row["order_id"], row["customer_id"], row["order_purchase_timestamp"])
            return len({key(row) for row in csv.DictReader(file)})


def held_mb(process):
    """Returns None if the process has ended."""
    with open(f"/proc/{process}/status") as status:
        held = re.search(r"VmRSS:\s+(\d+) kB", status.read())
    return held and int(held[1]) * 1024 / 1e6


def catch_up():
    """Returns the memory, sampled ten times a second, and the last line of the output."""
    held = []
    with tempfile.TemporaryFile("w+") as said:
        command = [HOST, "run", "--plugin", PLUGIN, "--from", TOPIC, "--to", TABLE, "--exit-at-end", "--admin", "off"]
        child = subprocess.Popen(command, stdout=said, stderr=said)
        while child.poll() is None:
            held.append(held_mb(child.pid))
            time.sleep(0.1)
        said.seek(0)
        text = said.read()
    if child.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{text}")
    return [mb for mb in held if mb], text.strip().splitlines()[-1]


expected = wait_there()
held, said = catch_up()
rows = json.loads(done([BARE, "count", NODE, RUN]))["count"]
quarters = [held[len(held) * at // 4:len(held) * (at + 1) // 4] for at in range(4)]
medians = [statistics.median(quarter) for quarter in quarters]
print(f"{ROWS} orders that wait, Avro: {rows} rows in the table, {expected} expected\n{said}")
for number, (median, quarter) in enumerate(zip(medians, quarters), 1):
    print(f"quarter {number}: {median:.0f} MB ({min(quarter):.0f}-{max(quarter):.0f})")
print(f"most {max(held):.0f} MB, at most {MOST_MB}; last quarter to second {medians[3] / medians[1]:.2f}, at most {MOST_GROWTH}")
os.makedirs("target/bench", exist_ok=True)
with open("target/bench/backlog.json", "w") as file:
    json.dump({"rows": ROWS, "rows_in_table": rows, "held_mb": held}, file, indent=1)
sys.exit(rows != expected or max(held) > MOST_MB or medians[3] > MOST_GROWTH * medians[1])
