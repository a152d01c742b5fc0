#!/usr/bin/env python3
"""Runs `mixdown learn` and the reference over the same small stores and compares what they make of them.

    learning_differential.py --binary PATH --cases N --seed S [--users N] [--keep DIR] [--jobs N] [--no-archive]

A store is small and nasty: few songs under few names, so that ties, shared titles and `t:` keys that count as `v:`
songs are everywhere; plays on the seconds around the clock changes of three zones, around a leap day and the ends of
years, months and weeks before the clock; metadata that is missing, empty or of another opinion; completions of zero and
none; plays of the future; users without plays, accounts with choices and no library.

Compared are all documents of `songs`, `user_stats`, `user_scores`, `service_stats`, `population` and `play_archive`,
doubles within 1e-9 (relative, absolute below 1), types of numbers aside, `_id` and the order of fields aside; then that a
second run writes nothing, nor a third that counts everything. Exit 1 on difference.
"""
import argparse
import collections
import concurrent.futures
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile

import learning_reference as learning
import mixdown_reference as ref
from mixdown_reference import Date, Int32, Int64

DAY = 86_400_000
HOUR = 3_600_000
TOLERANCE = 1e-9

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC", "America/St_Johns"]

# Instants in milliseconds at which something happens to clocks and calendars.
EDGES = {
    "Berlin, spring 2025": 1_743_296_400_000,
    "Berlin, autumn 2025": 1_761_440_400_000,
    "New York, spring 2025": 1_741_503_600_000,
    "New York, autumn 2025": 1_762_063_200_000,
    "Lord Howe, spring 2025": 1_759_591_800_000,
    "Lord Howe, autumn 2025": 1_743_865_200_000,
    "leap day 2024": 1_709_164_800_000,
    "after leap day 2024": 1_709_251_200_000,
    "new year 2025": 1_735_689_600_000,
    "new year 2026": 1_767_225_600_000,
}
CLOCKS = [
    1_743_300_000_000,
    1_743_296_400_000,
    1_743_296_399_999,
    1_761_440_400_000,
    1_762_070_400_000,
    1_759_600_000_000,
    1_709_208_000_000,
    1_740_787_200_000,
    1_767_225_600_000,
    1_767_225_599_999,
    1_767_312_000_001,
    1_764_064_800_000,
]

# ---------------------------------------------------------------------------------------------------------------------
# Stores


class Case:
    def __init__(self, seed, users):
        self.random = random.Random(seed)
        r = self.random
        self.as_of = r.choice(CLOCKS)
        self.timezone = r.choice(["UTC", "UTC", *ZONES])
        self.songs = [self.song(i) for i in range(r.choice([2, 4, 8, 30, 90]))]
        self.libraries, self.archive, self.accounts = [], [], []
        # Where nobody likes anything there is no population; and scores that have no evidence do not drift, so that
        # only the figures make them stale.
        self.nobody_likes = r.random() < 0.1
        for number in range(users):
            self.user(f"user{number:02}" + r.choice(["", "é", "\U0001f3b5"]))
        r.shuffle(self.accounts)

    def song(self, i):
        """A song and what different people say of it."""
        r = self.random
        titles = [f"Song {i}", f"SONG {i}", f"Song {i % 3}", "Ärger", "ÄRGER", "Σίγμας", "a" * r.choice([1, 300])]
        artists = ["ABBA", "Abba", "abba", "Queen", "QUEEN", f"Artist {i % 4}", "İstanbul", "i\u0307stanbul", "x" * 260]
        languages = ["hi", "en", "ta", "Hindi", "pt-BR", "a.b", "$c", "n\0l"]
        genres = ["pop", "rock", "filmi", "Pop", "jazz", "$x.y", "k-pop", "", "nu\0l"] + [f"g{j}" for j in range(25)]
        moods = ["happy", "sad", "calm", "party", "…"]
        self.own = (r.choice(titles), r.choice(artists))
        return {
            "videoId": f"video{i}" if r.random() < 0.8 else None,
            "titles": [self.own[0], r.choice(titles)],
            "artists": [self.own[1], r.choice(artists)],
            "languages": r.sample(languages, 2),
            "genres": [r.sample(genres, r.randint(0, 5)) for _ in range(2)],
            "moods": [r.sample(moods, r.randint(0, 3)) for _ in range(2)],
            "durations": [Int32(r.randint(1, 400)), r.choice([200.5, 180.0, 0.0, 1e7]), Int64(r.randint(100, 300))],
        }

    def entry(self, rich):
        """An entry of a random song; `rich` is how often a field is there."""
        r, song = self.random, self.random.choice(self.songs)

        def pick(values, own=0.8):
            return values[0] if r.random() < own else r.choice(values)

        entry = {}
        if song["videoId"] and r.random() < 0.8:
            entry["videoId"] = song["videoId"]
        if r.random() < 0.95 or "videoId" not in entry:
            entry["title"] = pick(song["titles"])
        if r.random() < 0.9:
            entry["artist"] = pick(song["artists"])
        if r.random() < 0.5:
            entry["artwork"] = r.choice(["https://i/1.jpg", "https://i/22.jpg"])
        if r.random() < rich:
            entry["duration"] = pick(song["durations"], 0.5)
        if r.random() < rich:
            entry["language"] = pick(song["languages"])
        if r.random() < rich:
            entry["genres"] = pick(song["genres"])
        if r.random() < rich:
            entry["moods"] = pick(song["moods"])
        if r.random() < 0.1:
            entry[r.choice(["language", "genres", "moods", "artist", "duration"])] = None
        return entry

    def time(self):
        r = self.random
        kind = r.random()
        if kind < 0.3:
            time = self.as_of - r.randint(0, 40 * DAY)
        elif kind < 0.45:
            time = self.as_of - r.choice([7, 30, 90, 365, 1, 2, 366]) * DAY + r.choice([-1, 0, 1])
        elif kind < 0.6:
            time = r.choice(list(EDGES.values())) + r.choice([-HOUR, -1, 0, 1, HOUR, 2 * HOUR]) + r.randint(-2, 2) * 1000
        elif kind < 0.75:
            time = self.as_of - r.randint(0, 10) * DAY - r.randint(0, 3) * HOUR
        elif kind < 0.95:
            time = self.as_of - r.randint(0, 800 * DAY)
        else:
            time = self.as_of + r.choice([1, HOUR, DAY, 2 * DAY])
        return max(time, 1)

    def play(self, time=None):
        r = self.random
        entry = self.entry(r.choice([0.0, 0.4, 0.9]))
        entry["playedAt"] = Date(time or self.time())
        rate = r.random()
        if rate < 0.15:
            entry["completionRate"] = 0.0
        elif rate < 0.85:
            entry["completionRate"] = r.choice([1.0, 0.7, 0.3, 0.29, 0.71, r.random(), r.random(), 0.95])
        if r.random() < 0.5:
            entry["source"] = r.choice(["search", "radio", "playlist", "autoplay"])
        return entry

    def history(self, count):
        r, plays = self.random, []
        while len(plays) < count:
            if plays and r.random() < 0.3:
                # A session: half an hour, a little less or more after the last.
                gap = r.choice([180_000, 30 * 60_000, 30 * 60_000 + 1, 30 * 60_000 - 1, HOUR, DAY])
                plays.append(self.play(max(1, plays[-1]["playedAt"].ms - gap)))
            else:
                plays.append(self.play())
            if r.random() < 0.05:
                # The same play once more, with another opinion.
                plays.append({**plays[-1], "completionRate": r.random(), "language": r.choice(["hi", "en"])})
            if r.random() < 0.1:
                # The same play as an older client saw it.
                plays.append({k: v for k, v in plays[-1].items() if k not in ("videoId", "genres")})
                plays[-1].setdefault("title", "Song 0")
        return plays

    def loved(self):
        """Songs that were liked often and are, or soon will be, forgotten: sometimes more than are shown."""
        r, plays = self.random, []
        for song in r.sample(self.songs, min(len(self.songs), r.choice([1, 3, 30]))):
            last = self.as_of - 90 * DAY + r.choice([-1, 0, 1, -5 * DAY, -40 * DAY, 1000, 2 * DAY])
            for number in range(r.choice([2, 3, 3, 4])):
                play = {"title": song["titles"][0], "artist": song["artists"][0], "completionRate": 0.9}
                if song["videoId"]:
                    play["videoId"] = song["videoId"]
                play["playedAt"] = Date(last - number * r.choice([1, DAY, 30 * DAY]))
                plays.append(play)
        return plays

    def user(self, name):
        r = self.random
        zone = r.choice([*ZONES, None, None, "Mars/Olympus", ""])
        kind = r.random()
        if kind < 0.9:
            library = {"_id": ref.Raw(0x07, r.randbytes(12)), "user_id": name}
            count = 0 if r.random() < 0.15 else r.choice([1, 3, 10, 30, 60, 60 if len(self.songs) < 90 else 300])
            plays = self.history(count)
            if r.random() < 0.3:
                plays += self.loved()
            likes_nothing = self.nobody_likes or r.random() < 0.25
            if likes_nothing:
                plays = [{**play, "completionRate": r.choice([0.1, 0.5])} for play in plays]
            if r.random() < 0.9 and not likes_nothing:
                library["favorites"] = [self.favorite() for _ in range(r.choice([0, 0, 1, 4, 8]))]
            mine = [p for p in plays if r.random() < 0.7]
            if r.random() < 0.9:
                mine.sort(key=lambda p: -p["playedAt"].ms)
                library["history"] = mine
            if r.random() < 0.8:
                library["total_songs_played"] = Int32(r.choice([0, 1, count, count * 3]))
            if zone is not None and r.random() < 0.3:
                library["timezone"] = zone
            library["updated_at"] = Date(self.as_of - HOUR)
            self.libraries.append(library)
            months = collections.defaultdict(list)
            for play in plays:
                if r.random() < 0.6:
                    months[month_of(play)].append(play)
            for month, some in months.items():
                self.archive.append({"user_id": name, "month": month, "plays": archived(some), "updated_at": Date(self.as_of)})
        if kind > 0.7 or r.random() < 0.6:
            account = {"id": name}
            if r.random() < 0.7 and zone is not None:
                account["timezone"] = zone
            for field in ("onboarding", "explicit_preferences"):
                if r.random() < 0.4:
                    account[field] = self.choices()
            self.accounts.append(account)

    def choices(self):
        r = self.random
        result = {}
        for field, values in (("languages", ["hi", "en", "xx", "", "hi"]), ("genres", ["pop", "rock", "$x.y", "new"]), ("moods", ["sad", "calm"])):
            if r.random() < 0.7:
                result[field] = r.choices(values, k=r.randint(0, 3))
            elif r.random() < 0.2:
                result[field] = r.choice([None, "pop"])
        return result

    def favorite(self):
        entry = self.entry(self.random.choice([0.0, 0.2]))
        if self.random.random() < 0.8:
            entry["addedAt"] = Date(self.time())
        return entry

    def write(self, folder):
        os.makedirs(folder)
        self.libraries.sort(key=lambda d: d["user_id"].encode())
        self.archive.sort(key=lambda d: (d["user_id"].encode(), d["month"]))
        for name, documents in (("user_library", self.libraries), ("play_archive", self.archive), ("users", self.accounts)):
            with open(os.path.join(folder, name + ".bson"), "wb") as f:
                for document in documents:
                    f.write(ref.encode_document(document))


def month_of(play):
    return learning.local(play["playedAt"].ms, learning.datetime.timezone.utc).strftime("%Y-%m")


def archived(plays):
    """Plays as [4.1] keeps them: in normal form, each once, in the order of [2.2]."""
    normal = [ref.checked("history", play, None) for play in plays]
    merged = learning.merged_plays(normal, ref.song_key)
    return sorted(merged, key=lambda p: (-p["playedAt"].ms, ref.song_key(p).encode()))


def expected_archive(case):
    """What a learning run leaves in the archive: the plays of archive and library, month by month."""
    months = collections.defaultdict(list)
    for document in case.archive:
        months[document["user_id"], document["month"]] += document["plays"]
    for library in case.libraries:
        for play in library.get("history", []):
            months[library["user_id"], month_of(play)].append(play)
    return {f"{user} {month}": {"user_id": user, "month": month, "plays": archived(plays)} for (user, month), plays in months.items()}


# ---------------------------------------------------------------------------------------------------------------------
# Comparing

KEYS = {"songs": "key", "user_stats": "user_id", "user_scores": "user_id", "service_stats": "day", "population": "dimension"}


def read(store, collection):
    return learning.documents(store, collection)


def differences(expected, actual, path):
    if ref.is_number(expected) and ref.is_number(actual):
        if isinstance(expected, float) != isinstance(actual, float):
            yield f"{path}: expected {type(expected).__name__} {expected!r}, got {type(actual).__name__} {actual!r}"
        elif not abs(expected - actual) <= TOLERANCE * max(1, abs(expected)):
            yield f"{path}: expected {expected!r}, got {actual!r}"
    elif isinstance(expected, dict) and isinstance(actual, dict):
        for name in sorted(expected.keys() | actual.keys()):
            if name == "_id":
                continue
            if name not in actual:
                yield f"{path}.{name}: missing, expected {expected[name]!r:.200}"
            elif name not in expected:
                yield f"{path}.{name}: not expected, got {actual[name]!r:.200}"
            else:
                yield from differences(expected[name], actual[name], f"{path}.{name}")
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            yield f"{path}: expected {len(expected)} items, got {len(actual)}: {expected!r:.300} / {actual!r:.300}"
        for index, (a, b) in enumerate(zip(expected, actual)):
            yield from differences(a, b, f"{path}[{index}]")
    elif type(expected) is not type(actual) or expected != actual:
        yield f"{path}: expected {expected!r:.200}, got {actual!r:.200}"


def run_case(options, seed):
    """What differs: lines."""
    case = Case(seed, options.users)
    folder = tempfile.mkdtemp(prefix=f"learning-{seed}-")
    try:
        store = os.path.join(folder, "store")
        case.write(store)
        expected = learning.Learning(store, case.as_of, case.timezone).collections()
        result = []
        error = run_binary(options, case, store)
        if error:
            return [error]
        for collection, key in KEYS.items():
            found = {document[key]: document for document in read(store, collection)}
            result += differences(expected[collection], found, collection)
        if not options.no_archive:
            found = {f"{d['user_id']} {d['month']}": d for d in read(store, "play_archive")}
            for document in found.values():
                document.pop("updated_at", None)
            result += differences(expected_archive(case), found, "play_archive")
        before = files(store)
        for full, what in (False, "a second run"), (True, "a second full run"):
            error = run_binary(options, case, store, full)
            if error:
                return [error]
            written = [name for name, data in files(store).items() if before.get(name) != data]
            result += [f"{name}: {what} has written" for name in written]
        if result and options.keep:
            shutil.copytree(folder, os.path.join(options.keep, str(seed)), dirs_exist_ok=True)
        return result
    finally:
        shutil.rmtree(folder)


def files(store):
    result = {}
    for name in KEYS | {"play_archive": None, "user_library": None}:
        path = os.path.join(store, name + ".bson")
        if os.path.exists(path):
            with open(path, "rb") as f:
                result[name] = f.read()
    return result


def run_binary(options, case, store, full=True):
    state = os.path.join(os.path.dirname(store), "state")
    command = [options.binary, "learn", "--store", store, "--state", state, "--as-of", str(case.as_of), "--timezone", case.timezone]
    command += ["--full"] if full else []
    done = subprocess.run(command, capture_output=True, timeout=options.timeout, env={**os.environ, "SWIFT_BACKTRACE": "enable=no"})
    # 3: users whose zone nobody knows are reported.
    if done.returncode not in (0, 3):
        return f"exit status {done.returncode}: {' '.join(command)}\n{done.stderr.decode(errors='replace')[-2000:]}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--users", type=int, default=8)
    parser.add_argument("--keep", help="a folder for the stores of failing cases")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--timeout", type=float, default=120)
    parser.add_argument("--no-archive", action="store_true", help="the archive is another program's: do not compare it")
    options = parser.parse_args()
    failed = 0
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        seeds = [options.seed * 1_000_000 + number for number in range(options.cases)]
        for seed, result in zip(seeds, pool.map(run_case, [options] * len(seeds), seeds)):
            if result:
                failed += 1
                print(f"case {seed}: {len(result)} differences", *result[:8], sep="\n  ")
    print(f"{options.cases} cases from seed {options.seed}: " + (f"{failed} differ" if failed else "all the same"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
