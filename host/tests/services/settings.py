"""The folder of the servers' files, and settings from environment variables, each with a default.

The settings of one kind of server stand at the top of its own file.
"""
import os
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Failure(Exception):
    """Ends the verb: its text goes to standard error, the exit code is 1."""


def text(name, default=""):
    """The value of an environment variable; the default where it is unset or empty."""
    return os.environ.get(name) or default


def number(name, default):
    """The same as a whole number. Raises Failure for anything else."""
    value = text(name, str(default))
    if not value.isdecimal():
        raise Failure(f"{name} is not a whole number: {value!r}")
    return int(value)


# This folder holds pid files, data, logs and class paths. A second set of servers has another folder and other ports.
DIR = Path(os.path.abspath(text("SERVICES_DIR", str(HERE / "../../../.services"))))
