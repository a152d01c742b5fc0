#!/usr/bin/env python3
"""Writes a small and nasty input for the merge: tiny vocabularies, so that ties, duplicates and collisions are everywhere.

    nasty.py --seed S --users N --out DIR [--unsettled]

`DIR/dumps/` holds dumps of every shape, `DIR/store/` a store, sometimes `DIR/map.csv` a user map, and `DIR/args.json`
the flags of this case (durations in milliseconds). `--unsettled` adds what the docs leave open.

A case is a tree (`Case`) before it is files, so that a failing one can be made smaller (see differential.py).
"""
import argparse
import copy
import gzip
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

import mixdown_reference as ref
from mixdown_reference import Date, Int32, Int64, Raw

DAY = 24 * 3600 * 1000
AS_OF = 1_760_000_000_000

# ---------------------------------------------------------------------------------------------------------------------
# JSON as it is written: objects with repeated keys, strings that hold JSON, tokens as they are


class Obj:
    def __init__(self, pairs):
        self.pairs = [list(p) for p in pairs]

    def get(self, name):
        return next((v for k, v in self.pairs if k == name), None)

    def set(self, name, value):
        self.pairs.append([name, value])
        return self


class Embedded:
    """A string that holds the JSON of a value."""

    def __init__(self, value):
        self.value = value


class Token:
    """JSON text, right or wrong, written as it is."""

    def __init__(self, text):
        self.text = text


def string(text, ascii_only):
    surrogates = any("\ud800" <= c <= "\udfff" for c in text)
    return json.dumps(text, ensure_ascii=ascii_only or surrogates)


def to_json(value, style):
    """`style`: (ascii only, space)."""
    ascii_only, space = style
    if isinstance(value, Obj):
        inside = ("," + space).join(string(k, ascii_only) + ":" + space + to_json(v, style) for k, v in value.pairs)
        return "{" + space + inside + space + "}"
    if isinstance(value, list):
        return "[" + ("," + space).join(to_json(v, style) for v in value) + "]"
    if isinstance(value, Embedded):
        return string(to_json(value.value, (False, "")), ascii_only)
    if isinstance(value, Token):
        return value.text
    if isinstance(value, str):
        return string(value, ascii_only)
    if value is None or isinstance(value, (bool, int, float)):
        return json.dumps(value)
    raise TypeError(repr(value))


class File:
    """One file of dumps: `form` is one, lines or array; `pack` the compression suffix."""

    def __init__(self, path, mtime, form, style, items, pack=""):
        self.path, self.mtime, self.form, self.style, self.items, self.pack = path, mtime, form, style, items, pack

    def data(self):
        ascii_only, space = self.style
        # A value over several lines, under a name for lines, and past the size limit: nobody could tell it from lines.
        if self.path.endswith(("ndjson", "jsonl")):
            space = space.replace("\n", " ")
        texts = [to_json(item, (ascii_only, space)) for item in self.items]
        if self.form == "lines":
            data = "\n".join(t.replace("\n", " ") for t in texts) + "\n"
        elif self.form == "array":
            data = "[" + ", ".join(texts) + "]"
        else:
            data = texts[0] if texts else ""
        data = data.encode()
        if self.form == "bom":
            data = b"\xef\xbb\xbf" + data
        if self.pack == ".gz":
            return gzip.compress(data, mtime=0)
        if self.pack == ".zst":
            return subprocess.run(["zstd", "-qc"], input=data, stdout=subprocess.PIPE, check=True).stdout
        return data


class Case:
    def __init__(self):
        self.files, self.documents, self.map, self.args = [], [], [], []

    def write(self, folder):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(os.path.join(folder, "dumps"))
        os.makedirs(os.path.join(folder, "store"))
        for file in self.files:
            path = os.path.join(folder, "dumps", file.path + file.pack)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(file.data())
            os.utime(path, ns=(file.mtime * 1_000_000, file.mtime * 1_000_000))
        with open(os.path.join(folder, "store", "user_library.bson"), "wb") as f:
            f.write(b"".join(map(ref.encode_document, self.documents)))
        with open(os.path.join(folder, "store", "user_library.metadata.json"), "w") as f:
            indexes = [{"v": 2, "key": {"_id": 1}, "name": "_id_"}]
            json.dump({"indexes": indexes, "collectionName": "user_library", "type": "collection"}, f)
        args = list(self.args)
        if self.map:
            path = os.path.join(folder, "map.csv")
            with open(path, "w", encoding="utf-8", newline="") as f:
                for row in self.map:
                    f.write(",".join('"' + cell.replace('"', '""') + '"' if set(cell) & set(',"\n') else cell for cell in row) + "\n")
            args += ["--user-map", path]
        with open(os.path.join(folder, "args.json"), "w") as f:
            json.dump(args, f)
        return args


# ---------------------------------------------------------------------------------------------------------------------
# Vocabularies

VIDEO_IDS = ["a", "b", "A", "é", "e\u0301", "0a1b", "\U0001f600", "\uff5e"]
TITLES = ["Song", "song", "SONG", "İ", "i\u0307", "I", "ΑΣ", "ασ", "ας", "ß", "ẞ", "SS", "é", "e\u0301", "É", "Ǆ", "ǅ", "😀", "\uff5e"]
ARTISTS = ["X", "x", "Σ", "ς", "Ü", "u\u0308", "ü"]
NAMES = ["Mix", "Mix", "mix", " Mix", "Mix\t", "Café", "Cafe\u0301", "Road", "\u00a0Road\u3000"]
SEARCHES = ["rock", "Rock", " rock ", "ROCK", "İx", "i\u0307x", "ΟΔΟΣ", "οδος", "οδοσ", "", "  ", "\t", "jazz", "Jazz\n", "ß", "ẞ", "\u00a0", "é", "e\u0301"]
LOCAL_IDS = ["pl_a", "pl_b", "pl_c", "pl_", "pl_é", "pl_e\u0301"]
SERVER_IDS = ["\U0001f600", "\uff5e", "playlist_x", "0123456789abcdef01234567", "weird", "PL_a", "playlist_", "é"]


class Nasty:
    def __init__(self, seed, users, unsettled=False, tame=False):
        """`tame`: no local id of a playlist has two homes, of which a second run may make another thing (docs/merge.md,
        *What is written, and when*): no dump brings `client_ids`, nobody was a guest, and the cloud has each local id once.
        """
        self.r = r = random.Random(f"{seed}")
        self.unsettled, self.tame, self.in_store = unsettled, tame, False
        self.wrapped = False  # whether times may be wrapped as numbers of Extended JSON
        # How often something is wrong: most cases are nearly clean, for one wrong thing hides another.
        self.bad = r.choice([0, 0, 0.01, 0.03, 0.1, 0.3])
        self.odd = r.choice([0.02, 0.1, 0.3])  # how often something is right, but unusual
        self.as_of = AS_OF + r.choice([0, 1, 999, 123_456])
        self.skew = r.choice([DAY, DAY, DAY, 3600 * 1000, 48 * 3600 * 1000])
        self.ttl = r.choice([180 * DAY, 180 * DAY, 30 * DAY, 2 * DAY])
        few = r.choice([1, 2, 4, 8])
        self.videos = r.sample(VIDEO_IDS, min(few, len(VIDEO_IDS)))
        self.titles = r.sample(TITLES, min(few + 1, len(TITLES)))
        self.artists = r.sample(ARTISTS, r.choice([1, 3]))
        self.names = r.sample(NAMES, r.choice([1, 3, len(NAMES)]))
        self.local_ids = r.sample(LOCAL_IDS, r.choice([1, 2, 4]))
        self.server_ids = r.sample(SERVER_IDS, r.choice([1, 2, 4]))
        a = self.as_of
        pool = [a - 10 * DAY, a - 10 * DAY + 1, a - 5 * DAY, a - 1000, a - 1, a, a + 1, a - DAY, (a - 3 * DAY) // 1000 * 1000]
        pool += [a - self.ttl, a - self.ttl - 1, a - self.ttl + 1, 100_000_000_000, 99_999_999_999, 1000]
        pool += [a + self.skew, a + self.skew + 1] if r.random() < 0.5 else []
        self.times = r.sample(pool, r.choice([2, 3, 5, 8]))
        self.export_times = r.sample(pool, r.choice([1, 2, 4, 6]))
        self.sections = r.sample(ref.SECTIONS, r.choice([1, 2, 3, 6, 6]))
        self.tombstones = r.random() < 0.5
        self.users = [f"u{i}" for i in range(users)]
        for i in range(users):
            if r.random() < 0.15:
                self.users[i] = r.choice(["ü", "u\u0308", "U0", "u 0", "😀", "\uff5e", "a,b", 'q"', "x" * 256, "é" * 128]) if i else "u0"
        self.users = list(dict.fromkeys(self.users))

    def chance(self, p):
        return self.r.random() < p

    def pick(self, *values):
        return self.r.choice(values)

    # -- values

    def time(self, times=None):
        return self.r.choice(times or self.times)

    def iso(self, ms, digits=None):
        import datetime

        offset = self.pick(0, 0, 330, -480, 60)
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms, minutes=offset)
        text = moment.strftime("%Y-%m-%dT%H:%M:%S")
        fraction = f"{ms % 1000:03d}" + self.pick("", "", "9", "999999")
        if ms % 1000 == 0 and self.chance(0.5):
            fraction = self.pick("", "0", "00", "000")
        text += "." + fraction if fraction else ""
        if offset == 0:
            return text + self.pick("Z", "Z", "+00:00", "-0000")
        sign = "+" if offset > 0 else "-"
        return text + f"{sign}{abs(offset) // 60:02d}{self.pick(':', '')}{abs(offset) % 60:02d}"

    def json_time(self, ms):
        """A time as a dump writes it; in one of the shape of a library numbers may be wrapped."""
        if self.chance(self.bad):
            return self.bad_time()
        if not self.chance(self.odd * 2):
            return ms
        forms = ["fraction", "string", "date string", "date number", "date long"]
        if ms % 1000 == 0 and ms < 99_999_999_999_000:
            forms += ["seconds", "seconds"]
        forms += ["seconds fraction"]
        if self.wrapped:
            forms += ["long", "double", "date double"]
            forms += ["int", "date int"] if ms < 2**31 else ["int seconds"] if ms % 1000 == 0 and ms < 2**31 * 1000 else []
        form = self.r.choice(forms)
        if ms < 100_000_000_000 and form in ("fraction",):
            form = "string"
        if form == "fraction":
            return ms + self.pick(0.0, 0.5, 0.25)
        if form == "seconds":
            return self.pick(ms // 1000, float(ms // 1000))
        if form == "seconds fraction":
            return Token(repr(ms / 1000))
        if form == "string":
            return self.iso(ms)
        if form == "date string":
            return Obj([["$date", self.iso(ms)]])
        if form == "date number":
            return Obj([["$date", ms]])
        if form in ("long", "double", "int", "int seconds"):
            name = {"long": "$numberLong", "double": "$numberDouble"}.get(form, "$numberInt")
            return Obj([[name, repr(float(ms)) if form == "double" else str(ms // 1000 if form == "int seconds" else ms)]])
        if form in ("date double", "date int"):
            inner = ["$numberInt", str(ms)] if form == "date int" else ["$numberDouble", repr(ms + self.pick(0.0, 0.5))]
            return Obj([["$date", Obj([inner])]])
        return Obj([["$date", Obj([["$numberLong", str(ms)]])]])

    def bad_time(self):
        return self.pick(
            "yesterday", "", 0, -5, -1.5, 0.0001, True, [], Obj([]), "2025-13-01T00:00:00Z", "2025-02-30T00:00:00Z",
            "2025-01-01T00:00:00", "2025-01-01 00:00:00Z", "2025-01-01T00:00:00.Z", "1969-12-31T23:59:59Z", Token("1e300"),
            Token("1e400"), Token("9223372036854775807"), Token("9223372036854775808"), Obj([["$date", "x"]]), Obj([["$date", -1]]),
            Obj([["$date", 5], ["x", 1]]), Obj([["$numberLong", "1760000000000"], ["x", 1]]), Obj([["$numberInt", "1760000000000"]]), "1760000000000", "٢٠٢٥-01-01T00:00:00Z", "2025-01-01T25:00:00Z", "2025-01-01t00:00:00z", None,
        )  # fmt: skip

    def anything(self, depth=0):
        """A value of an unknown field."""
        leaf = [
            1, 0, -1, 1.0, 1.5, Token("-0"), Token("-0.0"), Token("1E2"), Token("2147483648"), Token("-2147483649"),
            Token("9223372036854775808"), Token("1e400"), Token("-1e400"), Token("1e-400"), "", "x", "y", "xx", True, False, None,
            "\ud800", "x\udc00y", "a\0b", "\U0001f600",
        ]  # fmt: skip
        if depth > 2 or self.chance(0.6):
            return self.r.choice(leaf)
        if self.chance(0.4):
            return [self.anything(depth + 1) for _ in range(self.r.randrange(3))]
        if self.chance(0.3):
            return self.pick(
                Obj([["$oid", "0123456789abcdef01234567"]]), Obj([["$oid", "xyz"]]), Obj([["$numberInt", "7"]]), Obj([["$numberLong", "7"]]),
                Obj([["$numberDouble", "7.0"]]), Obj([["$numberDouble", "NaN"]]), Obj([["$numberDouble", "-Infinity"]]), Obj([["$date", 7]]),
                Obj([["$date", Obj([["$numberLong", "-7"]])]]), Obj([["$date", "2025-01-01T00:00:00Z"]]), Obj([["$numberLong", "7"], ["x", 1]]),
                Obj([["$date", "never"]]),
            )  # fmt: skip
        fields = [[self.pick("k", "l", "\u00e9", "", "$x", "a.b"), self.anything(depth + 1)] for _ in range(self.r.randrange(4))]
        if self.chance(self.bad / 5):
            fields.append(["n\0l", 1])
        return Obj(fields)

    # -- entries, as a dump writes them

    def put(self, entry, name, value, *aliases):
        """The field under its name, or an alias, or both."""
        if aliases and self.chance(self.odd):
            alias = self.r.choice(aliases)
            if self.chance(0.3):
                entry.set(name, self.pick(value, None, None, "" if self.unsettled or name in ref.STRING_FIELDS else None))
            entry.set(alias, value)
            if self.chance(0.2):
                entry.set(self.r.choice(aliases), self.pick(value, None))
        else:
            entry.set(name, value)

    def song(self, entry):
        if self.chance(0.6):
            video = self.r.choice(self.videos)
            if self.chance(self.odd):
                video = self.pick(None, "", "\ud800", "\ufffd", "a\0b")
            if self.chance(self.bad):
                video = self.pick(5, [], True, Obj([]))
            self.put(entry, "videoId", video, "youtube_video_id", "video_id")
        if self.chance(0.9):
            title = self.r.choice(self.titles)
            if self.chance(self.odd / 2):
                title = self.pick(None, "", " ")
            if self.chance(self.bad / 2):
                title = self.pick(1, Obj([]))
            entry.set("title", title)
        if self.chance(0.6):
            artist = self.r.choice(self.artists)
            if self.chance(self.odd):
                artist = self.pick(None, "")
            if self.chance(self.bad / 2):
                artist = self.pick(1, ["x"])
            self.put(entry, "artist", artist, "artist_name")
        if self.chance(0.5):
            art = self.pick("art1", "art2", "art10", "é")
            if self.chance(self.odd):
                art = self.pick(None, "", 5, Obj([]))
            self.put(entry, "artwork", art, "artwork_url", "image_url")

    def decorated(self, entry):
        while self.chance(self.odd):
            name = self.pick("note", "note", "id", "x\u00e9", "zz")
            entry.set("note" if name == "id" and entry.get("id") is not None else name, self.anything())
        if self.chance(self.odd) and entry.pairs:  # a repeated key: the last value counts, in the first's place
            name, value = self.r.choice(entry.pairs)
            position = self.r.randrange(len(entry.pairs) + 1)
            entry.pairs.insert(position, [name, self.pick(value, value, None, "x", "art2")])
        if self.chance(self.bad / 4):
            entry.set("k\0", 1)
        if self.chance(self.odd):
            self.r.shuffle(entry.pairs)
        return entry

    def strings(self):
        if self.chance(self.odd):
            values = ["Pop", "", [None], ["Pop", None, 5], [""], 5, Obj([]), None, [["Pop"]], True]
            if not self.unsettled:
                values.remove("")
            return self.r.choice(values)
        return self.r.sample(["Pop", "Rock", "é"], self.r.randrange(3))

    def entry(self, kind):
        if self.chance(self.bad):
            return self.pick(5, "x", [], None, True)
        if self.chance(self.odd / 4):
            return None
        entry = Obj([])
        self.song(entry)
        if kind == "favorites":
            if self.chance(0.85):
                self.put(entry, "addedAt", self.json_time(self.time()), "added_at")
            if self.chance(0.3):
                duration = self.pick(180, 180.0, 181, Token("2147483648"), 0, Token("0.0"), None)
                if self.chance(self.odd):
                    duration = self.pick(-1, "180", Token("1e400"), [], True)
                self.put(entry, "duration", duration, "duration_seconds")
        elif kind == "history":
            if not self.chance(self.bad):
                self.put(entry, "playedAt", self.json_time(self.time()), "played_at")
            if self.chance(0.7):
                rate = self.pick(0, 1, 0.5, 0.25, 1.0, Token("0.0"), 2, -1, None)
                if self.chance(self.odd):
                    rate = self.pick("0.5", Token("1e400"), Token("-1e400"), True, [], Token("-0.0"), 1.5, -0.5)
                self.put(entry, "completionRate", rate, "completion_rate")
            if self.chance(0.4):
                entry.set("source", self.pick("chart", "search", "", None, 5))
            if self.chance(0.3):
                entry.set("moods", self.strings())
        elif kind == "queue":
            if self.chance(0.5):
                self.put(entry, "addedAt", self.json_time(self.time()), "added_at")
            if self.chance(0.5):
                entry.set("position", self.pick(0, 1, 7, 1.0, None, "x"))
        elif kind == "songs":
            if self.chance(0.7):
                self.put(entry, "addedAt", self.json_time(self.time()), "added_at")
        if kind in ("favorites", "history"):
            if self.chance(0.4):
                entry.set("language", self.pick("en", "hi", "", None, 5))
            if self.chance(0.4):
                entry.set("genres", self.strings())
        elif self.chance(self.odd):
            entry.set("genres", self.strings())  # unknown here, so it stays as it is
        return self.decorated(entry)

    def entries(self, kind, most=6):
        return [self.entry(kind) for _ in range(self.r.randrange(most + 1))]

    def playlist_id(self, user, guests=()):
        if self.chance(self.bad):
            return self.pick(None, "", 5, Obj([]))
        kinds = ["local", "local", "local", "server", "made"]
        kind = self.r.choice(kinds)
        if kind == "local" and not (self.tame and self.in_store):
            return self.r.choice(self.local_ids)
        if kind == "server":
            return self.r.choice(self.server_ids)
        return ref.rule_4(self.r.choice([user, *guests]), self.r.choice(self.local_ids))

    def playlist(self, user, guests=(), ids_known=None):
        if self.chance(self.bad / 2):
            return self.pick(5, "x", [], None)
        if self.chance(self.odd / 4):
            return None
        entry = Obj([])
        if not self.chance(self.bad / 2):
            entry.set("id", self.playlist_id(user, guests))
        if self.chance(0.9):
            name = self.r.choice(self.names)
            if self.chance(self.odd):
                name = self.pick(None, "", " ", 5)
            entry.set("name", name)
        if self.chance(0.4):
            entry.set("description", self.pick("d", "", None, "long"))
        if self.chance(0.85):
            songs = self.entries("songs", 5)
            if self.unsettled and self.chance(self.odd):
                songs = self.pick("x", 5, Obj([]))
            if self.chance(self.odd):
                songs = None
            entry.set("songs", songs)
        if self.chance(0.5):
            entry.set("song_count", self.pick(0, 3, None))
        if self.chance(0.4):
            covers = self.pick([], ["c1"], ["c2", "c3"], None)
            if self.unsettled and self.chance(self.odd):
                covers = self.pick([None], [5], "c", [None, "c1"], [""])
            entry.set("cover_urls", covers)
        if self.chance(0.6):
            self.put(entry, "is_public", self.pick(True, False, None, "true", 1), "isPublic")
        if self.chance(0.8):
            self.put(entry, "created_at", self.json_time(self.time()), "createdAt")
        if self.chance(0.8):
            self.put(entry, "updated_at", self.json_time(self.time()), "updatedAt")
        if self.chance(0.15) and not self.tame:
            ids = self.r.sample(self.local_ids, self.r.randrange(len(self.local_ids) + 1))
            if self.unsettled and self.chance(self.odd):
                ids = self.pick("pl_a", [5], ["pl_a", None], ["pl_b", "pl_b", "pl_a"])
            entry.set("client_ids", ids)
        if self.chance(self.odd):
            entry.set(self.pick("artwork_url", "image_url", "artwork"), self.pick(None, "", "art1"))
        return self.decorated(entry)

    def tombstone(self, kind, user, guests=()):
        if self.chance(self.bad):
            return self.pick(5, None, "x", Obj([]))
        entry = Obj([])
        if kind == "playlists":
            entry.set("id", self.playlist_id(user, guests))
        else:
            if kind == "playlist_songs":
                entry.set("playlist_id", self.playlist_id(user, guests))
            self.song(entry)
            entry.pairs = [p for p in entry.pairs if p[0] not in ("artwork", "artwork_url", "image_url")]
        if not self.chance(self.bad):
            entry.set("removedAt", self.json_time(self.time()))
        if self.chance(self.odd):
            entry.set("by", self.anything())
        return entry

    def removed(self, user, guests=()):
        if self.chance(self.bad / 2):
            return self.pick(5, [], "x")
        result = Obj([])
        for kind in ref.TOMBSTONES:
            if self.chance(0.6):
                value = [self.tombstone(kind, user, guests) for _ in range(self.r.randrange(4))]
                if self.chance(self.bad / 2) and self.unsettled:
                    value = self.pick(5, Obj([]))
                result.set(kind, None if self.chance(self.odd / 2) else value)
        if self.unsettled and self.chance(self.odd / 2):
            result.set("albums", self.anything())
        return result

    def preferences(self):
        result = Obj([])
        if self.chance(0.6):
            result.set("shuffle", self.pick(True, False, "true", None, 1) if self.chance(self.odd) else self.pick(True, False))
        if self.chance(0.6):
            result.set("repeat", self.pick("off", "all", "ALL", None, 5, "") if self.chance(self.odd) else self.pick("off", "all", "one"))
        if self.chance(0.6):
            result.set("volume", self.pick(0, 1, 0.5, 0.25, 2, -1, "1", None, True, Token("1e400"), Token("-1e400"), Obj([["$numberDouble", "NaN"]])))
        if self.chance(0.4):
            result.set(self.pick("theme", "theme", "crossfade"), self.anything())
        if self.chance(self.bad / 3):
            result.set("k\0", 1)
        return result

    def searches(self):
        result = [self.r.choice(SEARCHES) for _ in range(self.r.randrange(8))]
        if self.chance(self.odd):
            result += [f"search {i}" for i in range(self.r.randrange(25))]
        if self.chance(self.bad):
            result.append(self.pick(5, None, Obj([]), []))
        return result

    def total(self):
        good = [0, 3, "7", 7, "007", Token("9223372036854775807"), "9223372036854775807", 5]
        wrong = ["-1", -1, "", "x", "9223372036854775808", Token("9223372036854775808"), Token("1e30"), None, True, [], "٣", " 3", "1.0"]
        if self.unsettled:
            wrong += [3.7, -0.5]
        return self.r.choice(wrong if self.chance(self.odd) else good)

    def section(self, name, user, guests=()):
        if self.chance(self.bad / 2):
            return self.pick(5, "x", Obj([]) if name != "preferences" else [], True)
        if self.chance(self.odd / 3):
            return None
        if name == "playlists":
            return [self.playlist(user, guests) for _ in range(self.r.randrange(5))]
        if name == "preferences":
            return self.preferences()
        if name == "recent_searches":
            return self.searches()
        return self.entries(name)

    # -- dumps

    def sections_of(self, user, guests=()):
        result = Obj([])
        for name in self.sections:
            if self.chance(0.75):
                result.set(name, self.section(name, user, guests))
        if "history" in self.sections and self.chance(0.4):
            result.set("total_songs_played", self.total())
        if self.tombstones and self.chance(0.4):
            result.set("removed", self.removed(user, guests))
        return result

    def dump(self, user, guests=(), path_is_user=True):
        """One dump that says its user, or leaves that to its path."""
        shape = self.pick("local", "local", "local", "sync", "sync", "library", "library", "none" if self.chance(self.odd) else "local")
        self.wrapped = shape == "library"
        sections = self.sections_of(user, guests)
        named = user if not path_is_user or self.chance(0.4) else None
        if self.chance(self.bad / 2):
            named = self.pick(5, "", Obj([["$ne", None]]), "x" * 257, "é" * 129, [], True)
        elif self.chance(self.odd / 3) and path_is_user:
            named = self.r.choice(self.users)
        body = Obj([])
        if shape == "local":
            names = {v: k for k, v in ref.LOCAL_STORAGE.items()}
            for name, value in sections.pairs:
                if name in names or name == "removed":
                    key = names.get(name, "removed")
                    if self.chance(0.8):
                        value = Embedded(value)
                    if self.chance(self.bad / 3):
                        value = self.pick("{", "", "[1", "[] x", "[]]", "nul", "\ufeff[]", "[NaN]", "[01]", "['x']", "[\"\t\"]")
                    body.set(key, value)
                elif name == "preferences":
                    if self.chance(0.7):
                        body.set("tldr-shuffle", self.pick("true", "false", True, False))
                    if self.chance(0.7):
                        body.set("tldr-repeat", self.pick("off", "all", "one"))
                    if self.chance(self.bad):
                        body.set("tldr-shuffle", self.pick("True", "", 1, "1", [], Obj([])))
                    if self.chance(self.bad):
                        body.set("tldr-repeat", self.pick("ALL", "", 1, '"all"', True))
                    if self.chance(self.odd):
                        body.set(self.pick("tldr-shuffle", "tldr-repeat"), None)
                elif name == "total_songs_played":
                    body.set("tldr-total-songs-played", value)
            if self.chance(0.7) or not any(k.startswith("tldr-") for k, _ in body.pairs):
                body.set("tldr-access-token", "SECRET")
            if self.chance(0.5):
                body.set(self.pick("theme", "local_favorites", "favorites", "tldr-chart-cache", "user"), self.pick("x", [], None))
            if named is not None and self.chance(0.5):
                who = Obj([["id", named], ["name", "N"]])
                body.set("tldr-user", Embedded(who) if self.chance(0.8) else who)
                named = None
            elif self.chance(self.odd):
                body.set("tldr-user", self.pick(None, Embedded(None), Embedded(Obj([])), Embedded(Obj([["id", None]]))))
                if self.unsettled and self.chance(0.3):
                    body.pairs[-1][1] = self.pick("{", 5, "x")
            if self.chance(0.4):
                body.set("tldr-device-id", "device_1")
        elif shape == "sync":
            for name, value in sections.pairs:
                body.set(name if name == "removed" else "local_" + name, value)
            if not any(k.startswith("local_") for k, _ in body.pairs):
                body.set(self.pick("local_favorites", "local_x"), None)
            if self.chance(self.odd):
                body.set(self.pick("favorites", "history", "x"), [Obj([["title", "ignored"]])])
        elif shape == "library":
            for name, value in sections.pairs:
                body.set(name, value)
            if not sections.pairs or self.chance(0.5):
                body.set("updated_at", self.json_time(self.time()))
            if self.chance(0.3):
                body.set("_id", Obj([["$oid", "0123456789abcdef01234567"]]))
            if self.chance(0.3):
                body.set("api_version", "9")
            if self.chance(0.3):
                body.set("section_updated_at", Obj([["queue", self.json_time(self.time())], ["as_of", 5]]))
        elif not self.unsettled or self.chance(0.5):
            body.set("exported_at", 5)
        else:
            body.set("hello", 1)
        keys = Obj([])
        if named is not None:
            keys.set("user_id", named)
        if self.chance(0.4):
            keys.set("exported_at", self.json_time(self.time(self.export_times)))
        if self.chance(0.3):
            keys.set("device_id", self.pick("d1", "d2", None))
        if shape != "none" and self.chance(0.3):  # an envelope
            for pair in list(keys.pairs):
                if self.chance(0.2):
                    body.pairs.append(pair)
                    if self.chance(0.5):
                        keys.pairs.remove(pair)
            if self.chance(self.odd):
                keys.set("exported_at", self.json_time(self.time(self.export_times)))
            if self.chance(self.odd):
                keys.set("x", 1)
            keys.set("data", body)
            if self.chance(self.odd):
                self.r.shuffle(keys.pairs)
            return keys
        if shape != "none" and self.chance(self.odd / 2):
            body.set("data", self.pick(5, None, Obj([["favorites", []]])) if any(k.startswith(("tldr-", "local_")) for k, _ in body.pairs) else 5)
        body.pairs += keys.pairs
        if self.chance(self.odd):
            self.r.shuffle(body.pairs)
        return body

    def broken_dump(self):
        return self.pick(
            Token("{"), Token("{}"), Token("[[]]"), Token("5"), Token('{"tldr-queue":"[]"} x'), Token('{"tldr-queue":"[]",}'), Token("{'a':1}"),
            Token('{"favorites":[],"x":NaN}'), Token('{"favorites":[],"x":01}'), Token('{"favorites":[],"x":"\t"}'), Token('{"x":1}'), Token("nul"),
            Token('{"favorites":[],"x":"\\x"}'), Token('{"favorites":[] "x":1}'), Token('{"favorites":[],"x":.5}'), Token('{"favorites":[],"x":1.}'),
        )  # fmt: skip

    def mtime(self):
        if self.chance(self.odd / 2):
            return self.pick(0, -5000)
        ms = self.time(self.export_times)
        return ms

    def files(self, users, guests):
        result = []
        for user in users:
            for i in range(self.r.choice([0, 1, 1, 2, 2, 3, 4])):
                style = (self.chance(0.3), self.pick("", "", " ", "\n  "))
                direct = self.chance(0.3) and "/" not in user and len(user.encode()) < 200
                folder = self.r.choice([user, user, f"batch/{user}"]) if len(user.encode()) < 200 else "long"
                suffix = self.pick(".json", ".json", ".json", ".ndjson", ".jsonl")
                path = user + suffix if direct else f"{folder}/{self.pick('d', 'e', 'device_')}{i}{suffix}"
                if any(f.path == path for f in result):
                    path = f"{user}/x{i}.json" if folder != "long" else f"long/{user[0].encode().hex()}x{i}.json"
                known = folder != "long"
                theirs = guests.get(user, ())
                form = self.pick("one", "one", "one", "lines", "array", "bom")
                count = self.r.choice([1, 2, 3]) if form in ("lines", "array") else 1
                items = [self.dump(user, theirs, known) for _ in range(count)]
                if not self.chance(1 - self.bad / 2):
                    if form == "lines" and len(items) > 1:
                        items.insert(self.r.randrange(1, len(items) + 1), self.broken_dump())
                        items = [x for x in items if not (isinstance(x, Token) and x.text.startswith("[["))]
                    elif form in ("one", "bom"):
                        items = [self.broken_dump()]
                    elif form == "array":
                        items.insert(0, self.pick(5, None, "x", []))
                if form == "array" and self.chance(self.odd / 2):
                    items = []
                if form == "lines" and self.chance(self.bad / 2):  # a scalar by itself is a line like any other
                    items.insert(0, self.pick(5, None, True, "{", Token("-0.5e3")))
                if form in ("lines",) and style[1] == "\n  ":
                    style = (style[0], " ")
                pack = self.pick(".gz", ".zst") if self.chance(0.1) else ""
                result.append(File(path, self.mtime(), form, style, items, pack))
        if self.chance(0.3):  # all users in one file, each named inside
            items = [self.dump(self.r.choice(users), (), False) for _ in range(self.r.randrange(1, 6))]
            result.append(File("all.ndjson", self.mtime(), "lines", (False, ""), items))
        if self.chance(0.2):
            result.append(File("readme.txt", self.as_of, "one", (False, ""), [Token("not a dump")]))
        if result and self.chance(0.2):  # the very same dump twice
            twin = copy.deepcopy(self.r.choice(result))
            if "/" in twin.path:
                twin.path = os.path.dirname(twin.path) + "/twin.json"
                if self.chance(0.5):
                    twin.mtime = self.mtime()
                if not any(f.path == twin.path for f in result):
                    result.append(twin)
        return result

    # -- the store

    def bson(self, value):
        """A tree of a dump as BSON, as a sloppy API might have stored it."""
        if isinstance(value, Obj):
            return {k: self.bson(v) for k, v in value.pairs if "\0" not in k}
        if isinstance(value, list):
            return [self.bson(v) for v in value]
        if isinstance(value, Token):
            return ref.parse_json(value.text)[0]
        if isinstance(value, str):
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int):
            if self.chance(self.odd) and abs(value) < 2**31:
                return self.pick(Int64(value), float(value))
            return ref.integer(value)
        return value

    def dated(self, kind, entry):
        """Times as BSON dates, mostly."""
        if isinstance(entry, dict):
            for name in ("addedAt", "playedAt", "created_at", "updated_at", "removedAt"):
                if name in entry and not self.chance(self.odd / 2):
                    moment = ref.time(entry[name])
                    if moment:
                        entry[name] = moment
                if name in entry and self.chance(self.bad / 3):
                    entry[name] = self.pick(Date(0), Date(-5), Raw(0x11, b"\1\0\0\0\2\0\0\0"), None)
            if self.chance(self.odd):
                entry["new_field"] = self.pick(
                    Raw(0x07, bytes(range(12))), Raw(0x13, bytes(16)), Raw(0x05, b"\1\0\0\0\0x"), Date(-7), {"a": None, "b": [Int32(1), 1.0]}, None, Int64(1), Int32(1), 1.0,
                    Raw(0xFF, b""), Raw(0x0B, b"a\0i\0"), float("nan"),
                )  # fmt: skip
            for song in entry.get("songs") or [] if isinstance(entry.get("songs"), list) else []:
                self.dated("songs", song)
        return entry

    def document(self, user, number, guests=()):
        document = {"_id": Raw(0x07, number.to_bytes(12, "big")), "user_id": user}
        saved, self.tombstones = self.tombstones, self.tombstones or self.chance(0.2)
        self.in_store, self.wrapped = True, False
        sections = self.bson(self.sections_of(user, guests))
        self.in_store = False
        self.tombstones = saved
        for name, value in sections.items():
            if isinstance(value, list):
                value = [self.dated(name, e) for e in value]
            if name == "removed" and isinstance(value, dict):
                for kind, entries in value.items():
                    if isinstance(entries, list):
                        for entry in entries:
                            self.dated("removed", entry)
            document[name] = value
        homeless = list(self.local_ids)
        for playlist in document.get("playlists") or [] if isinstance(document.get("playlists"), list) else []:
            if isinstance(playlist, dict) and self.chance(0.5):
                playlist["client_ids"] = self.r.sample(homeless, self.r.randrange(len(homeless) + 1))
                if self.tame:
                    homeless = [local_id for local_id in homeless if local_id not in playlist["client_ids"]]
                if playlist["client_ids"] and self.chance(0.5):
                    playlist["id"] = ref.rule_4(user, playlist["client_ids"][0])
        if self.chance(self.odd):
            document["api_version"] = self.pick("2", 2.0, None, {"a": [None]})
        if self.chance(0.9):
            updated = Date(self.time(self.export_times))
            document["updated_at"] = updated
            if self.chance(self.odd / 2):
                document["updated_at"] = self.pick(Int64(updated.ms), float(updated.ms), None, "x")
            if self.chance(0.6):
                stamps = {}
                for name in ref.TIMED:
                    if self.chance(0.7):
                        stamps[name] = Date(self.time(self.export_times))
                        if self.chance(self.odd / 2):
                            stamps[name] = self.pick(Int64(stamps[name].ms), None, "x")
                if self.chance(0.9):
                    stamps["as_of"] = updated if self.chance(0.7) else Date(self.time(self.export_times))
                if self.chance(self.odd):
                    stamps["favorites"] = self.pick(Date(5), Int32(5))
                document["section_updated_at"] = stamps
        if self.chance(self.odd / 3):
            document["section_updated_at"] = self.pick(None, {}, "x", []) if self.unsettled else {}
        if self.chance(self.odd):
            items = list(document.items())
            self.r.shuffle(items)
            document = dict(items)
        return document

    def written_before(self, case):
        """The documents of an earlier run over some of the dumps: what a store really looks like."""
        earlier = Case()
        earlier.files = [f for f in case.files if self.chance(0.6)]
        earlier.documents = case.documents
        earlier.map = case.map if self.chance(0.5) else []
        with tempfile.TemporaryDirectory() as folder:
            args = earlier.write(folder)
            out = os.path.join(folder, "out.bson")
            as_of = self.time(self.export_times)
            code = ref.run(
                ref.arguments(
                    [os.path.join(folder, "dumps"), "--store", os.path.join(folder, "store"), "--out", out, "--allow-empty", "--as-of", str(as_of)]
                    + ["--quarantine", os.path.join(folder, "quarantine"), *args]
                )
            )
            assert code == 0
            documents = [d for d, _ in ref.read_store(out)]
        for document in documents:
            if self.chance(0.4):  # the API wrote in between
                document["updated_at"] = Date(self.time(self.export_times))
                for name in list(document):
                    if name not in ("_id", "user_id", "updated_at", "section_updated_at") and self.chance(0.2):
                        value = document[name]
                        if isinstance(value, list) and value and self.chance(0.7):
                            del value[self.r.randrange(len(value))]
                        else:
                            del document[name]
        return documents

    # -- all of it

    def case(self):
        case, r = Case(), self.r
        guests = {}
        targets = list(self.users)
        if len(self.users) > 1 and self.chance(0.25) and not self.tame:
            sources = r.sample(self.users[1:], r.randrange(1, len(self.users)))
            targets = [u for u in self.users if u not in sources] + ["newcomer"]
            for guest in sources:
                account = r.choice(targets)
                case.map.append([guest, account])
                guests.setdefault(account, []).append(guest)
        number = 1
        for user in self.users:
            if self.chance(0.7):
                # A guest's library has ids that rule 4 made for the guest.
                case.documents.append(self.document(user, number, guests.get(user, ())))
                number += 1
        r.shuffle(case.documents)
        case.files = self.files(self.users, guests)
        if self.chance(0.3):
            case.documents = self.written_before(case)
        args = ["--as-of", str(self.as_of), "--max-clock-skew", str(self.skew), "--tombstone-ttl", str(self.ttl)]
        if self.chance(0.2):
            args += ["--mode", "replace"]
        if self.chance(0.2):
            args += ["--sections", ",".join(r.sample(ref.SECTIONS, r.randrange(1, 4)))]
        if self.chance(0.2):
            args += ["--users-from", self.pick("content", "path", "agree", "agree")]
        if self.chance(0.1):
            args += ["--no-create"]
        if self.chance(0.5):
            args += ["--history-limit", str(self.pick(1, 2, 3, 5))]
        if self.chance(0.1):
            args += ["--max-depth", str(self.pick(3, 4, 5, 6))]
        if self.chance(0.1):
            args += ["--max-dump-size", str(self.pick(50, 200, 1000))]
        case.args = args
        return case


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--users", type=int, default=4)
    parser.add_argument("--out", required=True)
    parser.add_argument("--unsettled", action="store_true")
    parser.add_argument("--tame", action="store_true", help="no local id of a playlist has two homes")
    options = parser.parse_args()
    Nasty(options.seed, options.users, options.unsettled, options.tame).case().write(options.out)


if __name__ == "__main__":
    sys.exit(main())
