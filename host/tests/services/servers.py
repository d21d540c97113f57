"""The kinds of servers there are. Each name is that of a file beside this one, which has a `SERVER`."""
import importlib

from settings import Failure

SERVERS = [importlib.import_module(name).SERVER for name in (
    "kafka",
    "cassandra",
    "registry",
)]


def named(names):
    """The servers of these names, in their order; all of them for `all` and for no name. Raises Failure."""
    known = {server.name: server for server in SERVERS}
    chosen = []
    for name in names or ["all"]:
        if name == "all":
            chosen += SERVERS
        elif name in known:
            chosen.append(known[name])
        else:
            raise Failure(f"there is no service '{name}': {', '.join(known)} or all")
    return chosen
