"""Runs a program and measures it."""

import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass


@dataclass
class Sample:
    """One run: seconds, and bytes of memory."""

    seconds: float
    cpu_seconds: float
    peak_resident: int  # with the files that it maps
    peak_anonymous: int  # without them; sampled every 10 ms, of the program's first process

    as_dict = asdict


class Failed(Exception):
    """A program did not do what it was measured for."""


def measure(command, log, environment=None):
    """One run of `command`; its output goes to the file `log`."""
    with open(log, "wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
        watch = Watch(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.stop()
    if process.returncode != 0:
        with open(log, errors="replace") as output:
            sys.stderr.write(output.read()[-4000:])
        raise Failed(f"exit {process.returncode}: {' '.join(map(str, command))}")
    return Sample(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, watch.peak)


class Watch(threading.Thread):
    """Looks at a process's anonymous memory until it is stopped."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.status = f"/proc/{process}/status"
        self.peak = 0
        self.ended = threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.01):
            try:
                with open(self.status) as status:
                    found = [line for line in status if line.startswith("RssAnon:")]
            except OSError:
                continue
            if found:
                self.peak = max(self.peak, int(found[0].split()[1]) * 1024)

    def stop(self):
        self.ended.set()
        self.join()
