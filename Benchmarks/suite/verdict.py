"""The bounds that the suite holds Mixdown to, and the tables it prints."""

from dataclasses import dataclass
from statistics import median

MIB = 1 << 20


@dataclass
class Bound:
    """A ratio of two programs' times: `slow` over `fast`, at least or at most so much."""

    claim: str
    over: str
    under: str
    least: float | None = None
    most: float | None = None
    aim: str = ""

    @property
    def limit(self):
        return f">= {self.least:g}" if self.least is not None else f"<= {self.most:g}"

    def holds(self, ratio):
        return ratio >= self.least if self.least is not None else ratio <= self.most


BOUNDS = [
    Bound("users a second, as a multiple of the Python program's", "rival", "sync", least=12, aim="aim 20"),
    Bound("time, as a multiple of the floor's", "sync", "floor", most=3),
    Bound("with all that a run leaves, as a multiple of the bare merge", "sync", "bare", most=1.05),
    Bound("nothing changed, as a multiple of reading and parsing", "again", "inspect", most=1.2),
]
CLOCKS = {"whole": "the whole run", "work": "without the wait for the disk"}


def ratios(bound, seconds):
    """The ratio of each round, from `{program: [seconds]}`; beside a program of fewer rounds, that of its median."""
    over, under = seconds[bound.over], seconds[bound.under]
    if len(over) == len(under):
        return [a / b for a, b in zip(over, under)]
    return [a / median(under) for a in over] if len(over) > len(under) else [median(over) / b for b in under]


def print_samples(samples, users, what):
    """`samples`: {(program, clock): [Sample]}."""
    print(
        f"{'':10}{'clock':7}{'median s':>9}{'min':>8}{'max':>8}{'users/s':>9}{'CPU s':>8}{'RSS MiB':>9}{'anon MiB':>10}  runs"
    )
    for (program, clock), runs in samples.items():
        seconds = [run.seconds for run in runs]
        print(
            f"{program:10}{clock:7}{median(seconds):9.3f}{min(seconds):8.3f}{max(seconds):8.3f}"
            f"{users / median(seconds):9.0f}{median(run.cpu_seconds for run in runs):8.2f}"
            f"{max(run.peak_resident for run in runs) / MIB:9.1f}{max(run.peak_anonymous for run in runs) / MIB:10.1f}"
            f"  {len(runs)}"
        )
    print()
    for program in dict.fromkeys(program for program, _ in samples):
        print(f"  {program:8} {what[program]}")
    print()


def print_bounds(samples, deciding):
    """Prints every ratio; gives the claims that decide and do not hold, and all ratios as plain values."""
    print(f"{'':62}{'clock':7}{'ratio':>7}{'min':>7}{'max':>7}  bound")
    failed, values = [], []
    for bound in BOUNDS:
        for clock in CLOCKS:
            seconds = {program: [run.seconds for run in runs] for (program, of), runs in samples.items() if of == clock}
            if bound.over not in seconds or bound.under not in seconds:
                continue
            found = ratios(bound, seconds)
            holds, decides = bound.holds(median(found)), clock == deciding
            verdict = ("PASS" if holds else "FAIL") if decides else ("(holds)" if holds else "(does not hold)")
            figures = f"{median(found):7.2f}{min(found):7.2f}{max(found):7.2f}"
            print(f"{bound.claim:62}{clock:7}{figures}  {bound.limit:8}{verdict:16}{bound.aim}".rstrip())
            values.append({"claim": bound.claim, "clock": clock, "ratios": found, "bound": bound.limit, "holds": holds})
            if decides and not holds:
                failed.append(bound.claim)
    return failed, values


# Growing tenfold may change the time of a user by this, and the memory by this share and so much for a user's index.
TIME_GROWTH, MEMORY_GROWTH, INDEX_BYTES = 1.25, 1.10, 128


def print_scale(rows):
    """`rows`: [(users, sync Sample, floor Sample)], least first. Prints what a user costs; gives what does not hold."""
    print(f"{'users':>10}{'s':>9}{'us/user':>9}{'CPU us/user':>13}{'floor us/user':>15}{'RSS MiB':>9}{'anon MiB':>10}")
    for users, sync, floor in rows:
        print(
            f"{users:10}{sync.seconds:9.2f}{sync.seconds / users * 1e6:9.0f}{sync.cpu_seconds / users * 1e6:13.0f}"
            f"{floor.seconds / users * 1e6:15.0f}{sync.peak_resident / MIB:9.1f}{sync.peak_anonymous / MIB:10.1f}"
        )
    print()
    failed, values = [], []
    least_users, least, _ = rows[0]
    for users, sync, _ in rows[1:]:
        memory = least.peak_anonymous * MEMORY_GROWTH + (users - least_users) * INDEX_BYTES
        for claim, value, bound in [
            (f"time of a user among {users}", sync.seconds / users / (least.seconds / least_users), TIME_GROWTH),
            (f"CPU of a user among {users}", sync.cpu_seconds / users / (least.cpu_seconds / least_users), TIME_GROWTH),
            (f"memory with {users}, of what is allowed", sync.peak_anonymous / memory, 1.0),
        ]:
            holds = value <= bound
            print(f"{claim:50}{value:7.2f}  <= {bound:g}  {'PASS' if holds else 'FAIL'}")
            values.append({"claim": claim, "ratio": value, "bound": bound, "holds": holds})
            if not holds:
                failed.append(claim)
    return failed, values


LEARNING_BOUNDS = [
    Bound("time of `learn --full`, as a multiple of the server's one $group", "full", "group", most=1),
    Bound("time of the Python reference for all users, as a multiple of --full", "reference", "full", least=20),
    Bound("a night that changed one library of fifty, less an idle one, of --full", "night", "full", most=0.05),
    Bound("processor time of --full on a server, as a multiple of the server's", "client", "server", most=0.33),
]


def print_learning(seconds):
    """`seconds`: {program: s}, without those that were not run. Prints the ratios; gives what does not hold."""
    print(f"\n{'':72}{'ratio':>8}  bound")
    failed = []
    for bound in LEARNING_BOUNDS:
        if bound.over not in seconds or bound.under not in seconds:
            print(f"{bound.claim:72}{'':8}  {bound.limit:8}not measured")
            continue
        ratio = seconds[bound.over] / seconds[bound.under]
        print(f"{bound.claim:72}{ratio:8.2f}  {bound.limit:8}{'PASS' if bound.holds(ratio) else 'FAIL'}")
        if not bound.holds(ratio):
            failed.append(bound.claim)
    return failed
