"""Runs rejected records with and without some that are stamped ahead, by turns. Called by `letters-rate`, which starts the
servers. HOST names another program, to compare with."""
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROWS, RUNS = int(os.environ.get("ROWS", 20_000)), int(os.environ.get("RUNS", 5))
HOST, BARE = os.environ.get("HOST", "target/release/host"), "target/release/examples/bare"
PLUGIN, BROKERS = "plugins/order_enrich.wasm", os.environ["KAFKA_BOOTSTRAP_SERVERS"]
# A name for this run alone: on servers that are kept, earlier runs have left theirs.
RUN = f"letters-{int(time.time())}"
# One of this many records is stamped ahead. 0 stands for none.
KINDS = {"none ahead": 0, "every fifth ahead": 5}
LEAST_RATIO = 0.5
SAID = re.compile(r"read (\d+) records: 0 rows written, 0 filtered, (\d+) rejected.* in ([\d.]+) s")


def done(command):
    environment = {**os.environ, "HOST_REJECT_BUDGET_PERCENT": "100"}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    if ended.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def settle(kind, number, at):
    """Returns the records settled in a second, the number of letters, and the number of records that they are of."""
    topic = f"{RUN}-{KINDS[kind]}-{number}"
    source, sink = f"kafka://{BROKERS}/{topic}", f"{at}/{topic}.db"
    done([BARE, "ahead", BROKERS, topic, str(ROWS), str(KINDS[kind])])
    done([HOST, "setup", "--from", source, "--to", sink])
    said = done([HOST, "run", "--plugin", PLUGIN, "--from", source, "--to", sink, "--group", topic, "--exit-at-end",
                 "--admin", "off"])
    read, rejected, seconds = SAID.search(said).groups()
    if (int(read), int(rejected)) != (ROWS, ROWS):
        sys.exit(f"not all of {ROWS} were rejected: {said}")
    letters = f"kafka://{BROKERS}/{topic}-dlq"
    listed = done([HOST, "dlq", "list", "--from", letters, "--json", "--limit", str(10 * ROWS)]).splitlines()
    places = {(letter["partition"], letter["offset"]) for letter in map(json.loads, listed)}
    return ROWS / float(seconds), len(listed), len(places)


rates = {kind: [] for kind in KINDS}
is_whole = True
with tempfile.TemporaryDirectory() as at:
    for number in range(RUNS):
        for kind in list(KINDS)[:: 1 if number % 2 else -1]:
            rate, letters, places = settle(kind, number, at)
            rates[kind].append(rate)
            is_whole = is_whole and letters == places == ROWS
            print(f"{kind}: {rate:.0f} records/s, {letters} letters of {places} records", flush=True)
ratios = [ahead / none for none, ahead in zip(*rates.values())]
for kind, found in rates.items():
    print(f"{kind}: {statistics.median(found):.0f} records/s ({min(found):.0f}-{max(found):.0f})")
ratio = statistics.median(ratios)
print(f"with to without {ratio:.2f} ({min(ratios):.2f}-{max(ratios):.2f}), at least {LEAST_RATIO}")
os.makedirs("target/bench", exist_ok=True)
with open("target/bench/letters.json", "w") as file:
    json.dump({"rows": ROWS, "rates": rates, "ratios": ratios, "each_once": is_whole}, file, indent=1)
sys.exit(not is_whole or ratio < LEAST_RATIO)
