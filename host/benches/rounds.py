"""Runs the kinds of `servers` in turns and prints the results. Called by `servers`, which starts the servers."""
import csv
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROWS, RUNS = int(os.environ.get("ROWS", 200_000)), int(os.environ.get("RUNS", 5))
# A Cassandra that has just started takes several times as much processor time for each row.
WARM_UP_ROWS = int(os.environ.get("WARM_UP_ROWS", 600_000))
HOST, BARE, PLUGIN = "target/release/host", "target/release/examples/bare", "plugins/order_enrich.wasm"
# The same program, which calls a function that is linked into it instead of the guest.
NATIVE = "target/release/examples/native"
# Another build of the program, to compare with.
OTHER = os.environ.get("OTHER")
BROKERS, NODE = os.environ["KAFKA_BOOTSTRAP_SERVERS"], os.environ["CASSANDRA_CONTACT_POINTS"]
CASSANDRA = int(open(os.environ["SERVICES_DIR"] + "/cassandra-1/pid").read().split()[0])
TICK = os.sysconf("SC_CLK_TCK")
# A name for this run alone: on servers that are kept, earlier runs have left theirs.
RUN = f"bench-{int(time.time())}"
TOPICS = {"Avro": f"{RUN}-avro", "JSON": f"{RUN}-json"}
EMPTY = f"{RUN}-empty"


def cassandra_seconds():
    fields = open(f"/proc/{CASSANDRA}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def peak_mib(process):
    """Returns the most memory that the process has held so far."""
    try:
        with open(f"/proc/{process}/status") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) / 1024
    except (OSError, TypeError):
        return 0


def run(command, **variables):
    """Returns the command's output, its processor time in seconds and its largest memory in MiB."""
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(command, stdout=said, stderr=said, env=os.environ | variables)
        peak, ended = 0, 0
        while not ended:
            time.sleep(0.05)
            peak = max(peak, peak_mib(child.pid))
            ended, status, usage = os.wait4(child.pid, os.WNOHANG)
        said.seek(0)
        text = said.read()
    if status:
        sys.exit(f"{' '.join(command)} failed:\n{text}")
    return text, usage.ru_utime + usage.ru_stime, peak


def warnings():
    """Returns how many warnings about too large CQL batches are in Cassandra's log."""
    with open(os.environ["SERVICES_DIR"] + "/cassandra-1/out.log") as log:
        return len(re.findall(r"Batch for \[|Unlogged batch covering", log.read()))


def keyspace(name):
    run([HOST, "setup", "--from", f"kafka://{BROKERS}/{EMPTY}", "--to", f"cassandra://{NODE}/{name}"])
    return name


def rows_in(name):
    rows = json.loads(run([BARE, "count", NODE, name])[0])["count"]
    services = "host/tests/services/services"
    run([services, "cql", f"DROP KEYSPACE {name}"])
    return rows


def consume(form):
    def once(_):
        said = json.loads(run([BARE, "consume", BROKERS, TOPICS[form]])[0])
        return {"rate": said["count"] / said["seconds"], "cpu_us": said["cpu_seconds"] / said["count"] * 1e6}
    return once


def drive(batch, in_flight):
    def once(number):
        name, before = keyspace(f"bench_{number}"), cassandra_seconds()
        text, _, memory = run([BARE, "drive", NODE, name, str(ROWS), str(batch), str(in_flight)])
        said, server = json.loads(text), cassandra_seconds() - before
        if rows_in(name) != ROWS:
            sys.exit("the bare driver loop has lost rows")
        return {"rate": ROWS / said["seconds"], "cpu_us": said["cpu_seconds"] / ROWS * 1e6,
                "server_us": server / ROWS * 1e6, "rss_mib": memory}
    return once


def host(form, program=HOST, **variables):
    def once(number):
        name, before, warned = keyspace(f"bench_{number}"), cassandra_seconds(), warnings()
        command = [program, "run", "--plugin", PLUGIN, "--from", f"kafka://{BROKERS}/{TOPICS[form]}",
                   "--to", f"cassandra://{NODE}/{name}", "--group", f"{RUN}-{number}", "--exit-at-end", "--admin", "off"]
        text, cpu, memory = run(command, **variables)
        server = cassandra_seconds() - before
        said = re.search(r"read (\d+) records: (\d+) rows written, .* in ([\d.]+) s", text)
        rows = rows_in(name)
        if not said or int(said[1]) != ROWS or rows != DISTINCT:
            sys.exit(f"{rows} rows in the table, {DISTINCT} expected:\n{text}")
        # A run that has nothing to read also starts and joins the group. That time belongs to no record, so it is taken off.
        return {"rate": ROWS / (float(said[3]) - START["seconds"]), "cpu_us": (cpu - START["cpu"]) / ROWS * 1e6,
                "server_us": server / ROWS * 1e6, "rss_mib": memory, "warnings": warnings() - warned}
    return once


def start_up():
    """Returns the time and the processor time of a run that reads nothing: the median of eight runs, four of each program. Both
    programs start alike. With one start for each, the noise between two starts would count as a difference between them."""
    runs = []
    for turn in range(8):
        name, program = keyspace("bench_0"), (HOST, NATIVE)[turn % 2]
        command = [program, "run", "--plugin", PLUGIN, "--from", f"kafka://{BROKERS}/{EMPTY}",
                   "--to", f"cassandra://{NODE}/{name}", "--group", f"{RUN}-start-{turn}", "--exit-at-end", "--admin", "off"]
        text, cpu, _ = run(command)
        runs.append((float(re.search(r" in ([\d.]+) s", text)[1]), cpu))
    rows_in(name)
    return {"seconds": statistics.median(s for s, _ in runs), "cpu": statistics.median(c for _, c in runs)}


def produce():
    """Fills the topics. Returns how many rows their records make, since an order may come twice."""
    with tempfile.TemporaryDirectory() as at:
        run([HOST, "generate", "orders", "--rows", str(ROWS), "--seed", "1", "--out", f"{at}/orders.csv"])
        for form, topic in [*TOPICS.items(), ("Avro", EMPTY)]:
            run([HOST, "setup", "--from", f"kafka://{BROKERS}/{topic}", "--to", f"cassandra://{NODE}/bench"])
            if topic != EMPTY:
                run([HOST, "produce", f"{at}/orders.csv", "--format", form.lower(), "--to", f"kafka://{BROKERS}/{topic}"])
        with open(f"{at}/orders.csv") as file:
            key = lambda row: (row["order_id"], row["customer_id"], row["order_purchase_timestamp"])
            return len({key(row) for row in csv.DictReader(file)})


# Batches of 10, as `host run` groups rows by default.
BOUND, WIDE, SINGLES = ("driver, batches of 10, 16 in flight", "driver, batches of 10, 64 in flight",
                        "driver, singles, 256 in flight")
KINDS = {
    "consumer, Avro": consume("Avro"),
    "consumer, JSON": consume("JSON"),
    "driver, singles, 64 in flight": drive(1, 64),
    SINGLES: drive(1, 256),
    "driver, singles, 1,024 in flight": drive(1, 1024),
    BOUND: drive(10, 16),
    WIDE: drive(10, 64),
    "driver, batches of 50, 16 in flight": drive(50, 16),
    "host, Avro": host("Avro"),
    "host, Avro, function linked natively": host("Avro", NATIVE),
    "host, Avro, singles": host("Avro", HOST_CQL_BATCH_PARTITIONS="0"),
    "host, JSON": host("JSON"),
    "host, Avro, again": host("Avro"),
}
if OTHER:
    KINDS |= {"host, Avro, other program": host("Avro", OTHER), "host, JSON, other program": host("JSON", OTHER)}
# These run only if KINDS asks for them.
FURTHER = {f"host, Avro, {name}": host("Avro", HOST_CASSANDRA_COMPRESSION=name) for name in ("lz4", "snappy")}
if os.environ.get("KINDS"):
    KINDS |= FURTHER
    KINDS = {name: kind for name, kind in KINDS.items() if re.search(os.environ["KINDS"], name)}
RATIOS = [
    # Name, figure, kind, and the kinds whose sum it is compared with.
    ("host CPU, Avro", "cpu_us", "host, Avro", ["consumer, Avro", BOUND]),
    ("host CPU, JSON", "cpu_us", "host, JSON", ["consumer, JSON", BOUND]),
    ("host rows/s, Avro, to 16 in flight", "rate", "host, Avro", [BOUND]),
    ("host rows/s, Avro, to 64 in flight", "rate", "host, Avro", [WIDE]),
    ("host rows/s, Avro, to its singles", "rate", "host, Avro", ["host, Avro, singles"]),
    ("host rows/s, Avro, to the driver's singles", "rate", "host, Avro", [SINGLES]),
    ("wasm tax: host CPU, component to native", "cpu_us", "host, Avro", ["host, Avro, function linked natively"]),
    ("driver rows/s, batches of 10 to singles", "rate", WIDE, [SINGLES]),
    *((f"host, {name}: {what} to none", key, f"host, Avro, {name}", ["host, Avro"]) for name in ("lz4", "snappy")
      for what, key in (("host CPU", "cpu_us"), ("Cassandra CPU", "server_us"), ("rows/s", "rate"))),
    *((f"{what}, {form}, to the other program", key, f"host, {form}", [f"host, {form}, other program"])
      for form in ("Avro", "JSON") for what, key in (("host CPU", "cpu_us"), ("host rows/s", "rate"))),
    ("control: host CPU to itself", "cpu_us", "host, Avro, again", ["host, Avro"]),
    ("control: Cassandra CPU to itself", "server_us", "host, Avro, again", ["host, Avro"]),
    ("control: host rows/s to itself", "rate", "host, Avro, again", ["host, Avro"]),
]


def spread(values, form):
    return f"{statistics.median(values):{form}} ({min(values):{form}}-{max(values):{form}})"


def say(results):
    print(f"\n{ROWS} orders, {RUNS} rounds; median (least-most)")
    print(f"{'':38}{'records/s':>28}{'CPU us a record':>24}{'Cassandra us a row':>24}{'RSS MiB':>10}")
    for kind, rounds in results.items():
        of = lambda what: [one[what] for one in rounds if what in one]
        server = spread(of("server_us"), ".1f") if of("server_us") else ""
        memory = f"{max(of('rss_mib')):.0f}" if of("rss_mib") else ""
        print(f"{kind:38}{spread(of('rate'), ',.0f'):>28}{spread(of('cpu_us'), '.2f'):>24}{server:>24}{memory:>10}")
    warned = sum(one.get("warnings", 0) for rounds in results.values() for one in rounds)
    print(f"\nwarnings about CQL batches in Cassandra's log while host ran: {warned}")
    print(f"start, taken off: {START['seconds'] * 1000:.0f} ms, {START['cpu'] * 1000:.0f} ms of CPU")
    print("ratios within a round")
    ratios = {}
    for name, what, kind, bounds in RATIOS:
        if kind not in results or any(bound not in results for bound in bounds):
            continue
        values = [results[kind][at][what] / sum(results[bound][at][what] for bound in bounds) for at in range(RUNS)]
        ratios[name] = values
        print(f"  {name:44}{spread(values, '.2f'):>24}")
    os.makedirs("target/bench", exist_ok=True)
    with open("target/bench/servers.json", "w") as file:
        json.dump({"rows": ROWS, "runs": RUNS, "start": START, "results": results, "ratios": ratios}, file, indent=1)


DISTINCT = produce()
START = start_up()
name = keyspace("warm_up")
for _ in range(-(-WARM_UP_ROWS // ROWS)):
    run([BARE, "drive", NODE, name, str(ROWS), "10", "16"])
rows_in(name)
results = {kind: [] for kind in KINDS}
number = 0
for turn in range(RUNS):
    began = time.monotonic()
    # Another order each time, so that no kind always pays for what the same other kind has left behind in Cassandra.
    for kind, once in random.Random(turn).sample(list(KINDS.items()), len(KINDS)):
        number += 1
        results[kind].append(once(number))
    print(f"round {turn + 1} of {RUNS} took {time.monotonic() - began:.0f} s", flush=True)
say(results)
