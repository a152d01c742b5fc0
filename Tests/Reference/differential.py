#!/usr/bin/env python3
"""Runs `mixdown sync` and the reference over the same nasty inputs and compares what they make of them.

    differential.py --binary PATH --cases N --seed S [--users N] [--unsettled] [--keep DIR] [--jobs N]
    differential.py --laws --tame --cases N --seed S     the laws of docs/merge.md, on the reference itself

Compared are the documents of the store value by value (numbers by value, field order aside; with `--exact` types and
`_id` too), the order of the documents, the bytes of those that are left alone, and the multiset of quarantined
(user_id, section, index, reason); then that a second run writes nothing. Of dumps that are quarantined whole only the
reason is compared. A failing case is made smaller while it still fails, and kept with `--keep`. Exit 1 on difference.
Where a local id of a playlist has two homes a second run may write, and is compared with that of the reference; the law
that it writes nothing holds with `--tame` alone.
"""
import argparse
import collections
import concurrent.futures
import contextlib
import copy
import glob
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import unicodedata
import tempfile
import time
import zipfile

import mixdown_reference as ref
import nasty

DUMP_REASONS = {
    "invalid-json", "unknown-shape", "no-user", "user-mismatch", "unknown-user", "forgotten", "too-large", "too-many", "bomb", "truncated"
}  # fmt: skip
DURATIONS = {"--max-clock-skew", "--tombstone-ttl"}

# ---------------------------------------------------------------------------------------------------------------------
# The two programs


def run_reference(folder, args, store=None, inputs=None):
    """(the store's bytes, the quarantine), or an error."""
    out, quarantine = os.path.join(folder, "reference.bson"), os.path.join(folder, "reference.ndjson")
    code = ref.run(
        ref.arguments(
            (inputs or [os.path.join(folder, "dumps")])
            + ["--store", store or os.path.join(folder, "store"), "--out", out, "--quarantine", quarantine, *args]
        )
    )
    assert code == 0, "the reference failed"
    with open(out, "rb") as f:
        data = f.read()
    with open(quarantine, encoding="utf-8") as f:
        return data, [json.loads(line) for line in f]


class Failed(Exception):
    pass


def run_binary(options, folder, args, store, inputs):
    state = os.path.join(folder, "state")
    shutil.rmtree(state, ignore_errors=True)
    spelled, position = [], 0
    while position < len(args):
        spelled.append(args[position])
        if args[position] in DURATIONS:
            position += 1
            ms = int(args[position])
            spelled.append(options.duration.format(ms=ms, s=ms // 1000, h=ms // 3_600_000))
        position += 1
    command = [options.binary, "sync", *inputs, "--store", store, "--state", state, "--allow-quarantine", *options.flag, *spelled]
    environment = {**os.environ, "SWIFT_BACKTRACE": "enable=no"}
    try:
        done = subprocess.run(command, capture_output=True, timeout=options.timeout, env=environment)
    except subprocess.TimeoutExpired:
        raise Failed(f"no end after {options.timeout} s: {' '.join(command)}")
    if done.returncode not in (0, 3):
        raise Failed(f"exit status {done.returncode}: {' '.join(command)}\n{done.stderr.decode(errors='replace')[-2000:]}")
    quarantine = []
    for path in glob.glob(os.path.join(state, "*", "quarantine.ndjson")):
        with open(path, encoding="utf-8") as f:
            text = f.read()
        if "SECRET" in text:
            raise Failed("a secret stands in the quarantine")
        quarantine += [json.loads(line) for line in text.splitlines() if line]
    with open(os.path.join(store, "user_library.bson"), "rb") as f:
        return f.read(), quarantine


# ---------------------------------------------------------------------------------------------------------------------
# Comparing


def short(value):
    text = repr(value)
    return text if len(text) < 160 else text[:157] + "..."


def differences(a, b, path, exact):
    """What differs between two values: (path, text)."""
    if ref.is_number(a) and ref.is_number(b):
        if ref.same(a, b) and (not exact or type(a) is type(b)):
            return
        yield f"{path}: expected {a!r} ({type(a).__name__}), got {b!r} ({type(b).__name__})"
    elif isinstance(a, dict) and isinstance(b, dict):
        for name in a.keys() - b.keys():
            yield f"{path}.{name}: missing, expected {short(a[name])}"
        for name in b.keys() - a.keys():
            yield f"{path}.{name}: not expected, got {short(b[name])}"
        for name in a:
            if name in b:
                yield from differences(a[name], b[name], f"{path}.{name}", exact)
    elif isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            yield f"{path}: expected {len(a)} items, got {len(b)}: {short(a)} / {short(b)}"
        else:
            for i, (x, y) in enumerate(zip(a, b)):
                yield from differences(x, y, f"{path}[{i}]", exact)
    elif type(a) is not type(b) or a != b:
        yield f"{path}: expected {short(a)}, got {short(b)}"


def split(data):
    """The documents of a store and their bytes."""
    at, result = 0, []
    while at < len(data):
        document, end = ref.decode_document(data, at)
        result.append((document, data[at:end]))
        at = end
    return result


def store_differences(before, expected, actual, exact):
    before = {d["user_id"]: raw for d, raw in split(before)}
    expected, actual = split(expected), split(actual)
    order = [d["user_id"] for d, _ in expected], [d["user_id"] for d, _ in actual]
    if order[0] != order[1]:
        yield f"the documents' order: expected {short(order[0])}, got {short(order[1])}"
    theirs = {d["user_id"]: (d, raw) for d, raw in actual}
    for document, raw in expected:
        user = document["user_id"]
        if user not in theirs:
            continue
        found, found_raw = theirs[user]
        count = 0
        for difference in differences(document, found, "", exact):
            yield f"{user}{difference}"
            count += 1
        if not count and raw == before.get(user) and found_raw != raw:
            yield f"{user}: written, but it should be left byte for byte"


def canonical(line):
    """A line of the quarantine as it is compared: the names of sections without the words of a shape."""
    reason, section = line.get("reason"), line.get("section") or None
    if section is None and (reason in DUMP_REASONS or reason == "too-deep"):
        return (None, None, None, reason)
    section = section.removeprefix("tldr-").removeprefix("local_").replace("-", "_") if section else None
    if section in ("shuffle", "repeat"):
        section = "preferences"
    index = line.get("index")
    if section and section.startswith("playlists") and section != "playlists":
        section = "playlists"
    if section and section.startswith("removed"):
        section = "removed"
    return (line.get("user_id"), section, index, reason)


def quarantine_differences(expected, actual):
    expected, actual = collections.Counter(map(canonical, expected)), collections.Counter(map(canonical, actual))
    for line in expected - actual:
        yield f"quarantine: missing {line} x{(expected - actual)[line]}"
    for line in actual - expected:
        yield f"quarantine: not expected {line} x{(actual - expected)[line]}"


# ---------------------------------------------------------------------------------------------------------------------
# Packing: how the dumps are packed changes nothing


def packed(folder, how):
    """The inputs in another packing; modification times kept to the millisecond."""
    dumps = os.path.join(folder, "dumps")
    if how == "directory" or not any(names for _, _, names in os.walk(dumps)):
        return [dumps]
    files = []
    for where, _, names in os.walk(dumps):
        files += [os.path.join(where, name) for name in names]
    files.sort(reverse=how == "backwards")
    # libarchive composes the names of an archive's entries (NFC); the names of files are taken as they are.
    if any(not unicodedata.is_normalized("NFC", name) for _, folders, files in os.walk(dumps) for name in folders + files):
        return [dumps]
    path = os.path.join(folder, "dumps.tar")
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for file in files:
            info = tar.gettarinfo(file, os.path.relpath(file, dumps))
            ms = os.stat(file).st_mtime_ns // 1_000_000
            if ms > 0:
                info.pax_headers["mtime"] = f"{ms // 1000}.{ms % 1000:03d}"
            info.mtime = max(ms, 0) // 1000
            with open(file, "rb") as f:
                tar.addfile(info, f)
    if how == "zst":
        subprocess.run(["zstd", "-q", "-f", "--rm", path], check=True)
        return [path + ".zst"]
    return [path]


# ---------------------------------------------------------------------------------------------------------------------
# One case


def compare(options, case, how):
    """What differs for a case: a list of texts, the empty list when all agrees."""
    with tempfile.TemporaryDirectory(prefix="mixdown-") as folder, contextlib.redirect_stderr(io.StringIO()):
        args = case.write(folder)
        with open(os.path.join(folder, "store", "user_library.bson"), "rb") as f:
            before = f.read()
        expected, quarantine = run_reference(folder, args)
        if options.laws:
            return laws(options, folder, args, before, expected, quarantine, how)
        copy_ = os.path.join(folder, "copy")
        shutil.copytree(os.path.join(folder, "store"), copy_)
        inputs = packed(folder, how)
        try:
            actual, found = run_binary(options, folder, args, copy_, inputs)
            result = list(store_differences(before, expected, actual, options.exact))
            if not options.no_quarantine:
                result += quarantine_differences(quarantine, found)
            if not result and options.second_run:
                again, _ = run_binary(options, folder, args, copy_, inputs)
                result += ["second run: " + d for d in second_run(folder, args, expected, actual, again)]
        except Failed as failure:
            result = [str(failure)]
        return result


def second_run(folder, args, expected, actual, again):
    """A second run writes nothing, or, where the text itself has it write, what the reference writes."""
    store = os.path.join(folder, "second")
    os.makedirs(store)
    with open(os.path.join(store, "user_library.bson"), "wb") as f:
        f.write(expected)
    wanted, _ = run_reference(folder, args, store=store)
    if wanted != expected:
        # Whom the reference leaves alone the program does, too; the bytes of what each has written are its own.
        once, before, after = split(expected), split(actual), dict((d["user_id"], raw) for d, raw in split(again))
        left = {d["user_id"] for (d, raw), (_, still) in zip(once, split(wanted)) if raw == still}
        written = [d["user_id"] for d, raw in before if d["user_id"] in left and after.get(d["user_id"]) != raw]
        return [*store_differences(b"", wanted, again, False), *(f"{user}: written, but it should be left" for user in written)]
    return [] if again == actual else [*store_differences(actual, actual, again, True)] or ["other bytes"]


def laws(options, folder, args, before, expected, quarantine, how):
    """The reference against the laws of docs/merge.md."""
    result = []
    second = os.path.join(folder, "second")
    os.makedirs(second)
    with open(os.path.join(second, "user_library.bson"), "wb") as f:
        f.write(expected)
    again, _ = run_reference(folder, args, store=second)
    if again != expected:
        result += ["second run: " + d for d in [*store_differences(expected, expected, again, True)] or ["bytes"]]
    other, found = run_reference(folder, args, inputs=packed(folder, "backwards" if how == "directory" else how))
    if other != expected:
        result += ["packing: " + d for d in [*store_differences(before, expected, other, True)] or ["bytes"]]
    result += ["packing: " + d for d in quarantine_differences(quarantine, found)]
    return result


def kind(difference):
    """What a difference is about, without its values: the smaller case must show the same."""
    text = difference.split(":")[0] + ":" + (difference.split(":")[1].split()[0] if ":" in difference and difference.split(":")[1].split() else "")
    return "".join(c for c in text if not c.isdigit())[-40:]


# ---------------------------------------------------------------------------------------------------------------------
# Making a failing case smaller


def containers(case):
    """All lists of a case of which items can be left out."""
    yield case.files
    yield case.documents
    yield case.map
    for file in case.files:
        if file.form in ("lines", "array"):
            yield file.items
    seen = []

    def inside(value):
        if isinstance(value, nasty.Obj):
            seen.append(value.pairs)
            for _, v in value.pairs:
                inside(v)
        elif isinstance(value, nasty.Embedded):
            inside(value.value)
        elif isinstance(value, list):
            seen.append(value)
            for v in value:
                inside(v)
        elif isinstance(value, dict):
            seen.append(value)
            for v in value.values():
                inside(v)

    for file in case.files:
        for item in file.items:
            inside(item)
    for document in case.documents:
        inside(document)
    yield from seen


def without(container, start, count):
    """Leaves items out; gives what undoes it."""
    if isinstance(container, dict):
        saved = dict(container)
        for name in list(container)[start : start + count]:
            if name not in ("_id", "user_id"):
                del container[name]
        restored = lambda: (container.clear(), container.update(saved))
        return len(container) < len(saved), restored
    saved = list(container)
    del container[start : start + count]

    def restored():
        container[:] = saved

    return len(container) < len(saved), restored


def shrink(case, fails, seconds):
    """A smaller case that still fails."""
    case = copy.deepcopy(case)
    until = time.monotonic() + seconds
    # Flags first: each is a name, and mostly a value.
    position = 0
    while position < len(case.args) and time.monotonic() < until:
        width = 2 if position + 1 < len(case.args) and not case.args[position + 1].startswith("--") else 1
        if case.args[position] != "--as-of":
            saved = list(case.args)
            del case.args[position : position + width]
            if fails(case):
                continue
            case.args = saved
        position += width
    smaller = True
    while smaller and time.monotonic() < until:
        smaller = False
        index = 0
        while time.monotonic() < until:
            all_of_them = list(containers(case))
            if index >= len(all_of_them):
                break
            container = all_of_them[index]
            count = max(len(container), 1)
            while count >= 1 and len(container) and time.monotonic() < until:
                start = 0
                while start < len(container) and time.monotonic() < until:
                    changed, restore = without(container, start, count)
                    if changed and fails(case):
                        smaller = True
                    else:
                        restore()
                        start += count
                count //= 2
            index += 1
    # Plain files are easier to read.
    for file in case.files:
        for name, value in (("pack", ""), ("style", (False, "")), ("form", "one")):
            if name == "form" and len(file.items) != 1:
                continue
            saved = getattr(file, name)
            setattr(file, name, value)
            if not fails(case):
                setattr(file, name, saved)
    return case


def show(case):
    """A small case as text."""
    lines = [f"  args {' '.join(case.args)}"]
    lines += [f"  map {row}" for row in case.map]
    for file in case.files:
        with contextlib.suppress(Exception):
            for item in file.items:
                lines.append(f"  {file.path}{file.pack} ({file.form}, {file.mtime}) {nasty.to_json(item, (True, ''))}")
    lines += [f"  store {document!r}" for document in case.documents]
    return "\n".join(lines)


def one(options, number):
    """(number, differences, the smaller case as text)."""
    seed = f"{options.seed}/{number}"
    try:
        case = nasty.Nasty(seed, options.users, options.unsettled, options.tame).case()
        how = ["directory", "directory", "tar", "zst", "backwards"][number % 5]
        found = compare(options, case, how)
        if not found:
            return seed, [], None
        kinds = {kind(d) for d in found}

        def fails(candidate):
            try:
                return bool(kinds & {kind(d) for d in compare(options, candidate, how)})
            except Exception:
                return False

        small = shrink(case, fails, options.shrink) if options.shrink else case
        if options.keep:
            folder = os.path.join(options.keep, seed.replace("/", "-"))
            small.write(folder)
        return seed, found, [show(small), *(f"  now: {d}" for d in compare(options, small, how)[:6])]
    except Exception as error:
        import traceback

        return seed, [f"the test itself failed: {error!r}", traceback.format_exc()], None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", help="the `mixdown` to test")
    parser.add_argument("--laws", action="store_true", help="test the reference itself: the laws of docs/merge.md")
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--first", type=int, default=0, help="the number of the first case: with --cases 1, one case again")
    parser.add_argument("--users", type=int, default=4)
    parser.add_argument("--unsettled", action="store_true", help="inputs that the docs say nothing about, too")
    parser.add_argument("--tame", action="store_true", help="no local id of a playlist has two homes")
    parser.add_argument("--exact", action="store_true", help="types of numbers count")
    parser.add_argument("--no-quarantine", action="store_true", help="do not compare the quarantine")
    parser.add_argument("--second-run", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--flag", action="append", default=[], help="one more argument for the binary, as --flag=--workers=1")
    parser.add_argument("--duration", default="{h}h", help="how the binary reads durations: of {ms}, {s}, {h}")
    parser.add_argument("--shrink", type=float, default=60, help="seconds to make a failing case smaller; 0: do not")
    parser.add_argument("--keep", help="a folder for the smaller cases")
    parser.add_argument("--timeout", type=float, default=60)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--stop-after", type=int, default=10, help="failing cases")
    options = parser.parse_args()
    if not options.laws and not options.binary:
        parser.error("--binary or --laws is needed")
    sys.setrecursionlimit(100_000)
    numbers = range(options.first, options.first + options.cases)
    failing = done = 0
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        waiting = iter(numbers)
        running = {pool.submit(one, options, n) for _, n in zip(range(options.jobs * 2), waiting)}
        while running:
            finished, running = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in finished:
                seed, found, small = future.result()
                done += 1
                if found:
                    failing += 1
                    print(f"case {seed} fails:")
                    for difference in found[:6]:
                        print(f"  {difference}")
                    for line in small or []:
                        print(line)
                    sys.stdout.flush()
                if failing < options.stop_after:
                    running |= {pool.submit(one, options, n) for _, n in zip(range(1), waiting)}
    print(f"{done - failing} of {done} cases agree")
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())
