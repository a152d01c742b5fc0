#!/usr/bin/env python3
"""The merge, written from docs/merge.md and docs/dumps.md alone: simple, slow, and an oracle for the real one.

    mixdown_reference.py INPUT... --store DIR --out FILE.bson --quarantine FILE.ndjson --as-of MS [flags]

Reads `DIR/user_library.bson`, merges the dumps into it and writes the whole resulting file. It is one process with
everything in memory and no care for speed. Where these pages leave room, a comment beginning `Reading:` says which way
this program goes. Numbers in brackets stand for their sections: in docs/dumps.md (1.1 one form for all, 1.2 where dumps
are found, 1.3 shapes and whose a dump is, 1.5 quarantine) and in docs/merge.md (2 whose word is newer, 2.1 favourites,
2.2 history, 2.3 queue, 2.4 playlists, 2.5 preferences, 2.6 searches, 2.7 removals, 2.8 what is written, 2.9 what always
holds, 2.10 replace).

Values: None, bool, str, float, list and dict stand for the BSON types of that name; `Int32`, `Int64`, `Date` and `Raw`
for the rest. So `type(value)` is the BSON type, and nothing is converted silently.
"""
import argparse
import base64
import csv
import datetime
import functools
import gzip
import hashlib
import io
import json
import math
import os
import re
import struct
import subprocess
import sys
import tarfile
import threading
import zipfile
from decimal import Decimal

# ---------------------------------------------------------------------------------------------------------------------
# BSON values


class Int32(int):
    """A BSON int32."""


class Int64(int):
    """A BSON int64."""


class Date:
    """A BSON date: milliseconds since 1970."""

    def __init__(self, ms):
        self.ms = ms

    def __eq__(self, other):
        return isinstance(other, Date) and self.ms == other.ms

    def __hash__(self):
        return hash(("date", self.ms))

    def __repr__(self):
        return f"Date({self.ms})"


class Raw:
    """Any other BSON value: its type byte and its encoding."""

    def __init__(self, kind, data):
        self.kind, self.data = kind, data

    def __eq__(self, other):
        return isinstance(other, Raw) and (self.kind, self.data) == (other.kind, other.data)

    def __hash__(self):
        return hash((self.kind, self.data))

    def __repr__(self):
        return f"Raw({self.kind:#x}, {self.data.hex()})"


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def integer(value):
    """The number as int32 when it fits, else int64, else double."""
    if -(2**31) <= value < 2**31:
        return Int32(value)
    if -(2**63) <= value < 2**63:
        return Int64(value)
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def cstring(text):
    return text.encode() + b"\0"


def encode_value(value):
    """The type byte and the encoding of a value."""
    if isinstance(value, bool):
        return 0x08, b"\1" if value else b"\0"
    if value is None:
        return 0x0A, b""
    if isinstance(value, float):
        return 0x01, struct.pack("<d", value)
    if isinstance(value, str):
        data = value.encode()
        return 0x02, struct.pack("<i", len(data) + 1) + data + b"\0"
    if isinstance(value, dict):
        return 0x03, encode_document(value)
    if isinstance(value, list):
        return 0x04, encode_document({str(i): v for i, v in enumerate(value)})
    if isinstance(value, Date):
        return 0x09, struct.pack("<q", value.ms)
    if isinstance(value, Int32):
        return 0x10, struct.pack("<i", value)
    if isinstance(value, Int64):
        return 0x12, struct.pack("<q", value)
    if isinstance(value, Raw):
        return value.kind, value.data
    raise TypeError(f"no BSON value: {value!r}")


def encode_document(document):
    body = b""
    for name, value in document.items():
        kind, data = encode_value(value)
        body += bytes([kind]) + cstring(name) + data
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def decode_document(data, start=0, as_list=False):
    """The document that begins at `start`, and where it ends."""
    end = start + struct.unpack_from("<i", data, start)[0]
    if end - start < 5 or end > len(data) or data[end - 1] != 0:
        raise ValueError(f"no BSON document at offset {start}")
    result, at = ([] if as_list else {}), start + 4
    while data[at] != 0:
        kind = data[at]
        stop = data.index(b"\0", at + 1)
        name = data[at + 1 : stop].decode()
        at = stop + 1
        value, at = decode_value(kind, data, at)
        if as_list:
            result.append(value)
        else:
            result[name] = value
    if at != end - 1:
        raise ValueError(f"damaged BSON document at offset {start}")
    return result, end


def decode_value(kind, data, at):
    if kind == 0x01:
        return struct.unpack_from("<d", data, at)[0], at + 8
    if kind == 0x02:
        length = struct.unpack_from("<i", data, at)[0]
        return data[at + 4 : at + 4 + length - 1].decode(), at + 4 + length
    if kind in (0x03, 0x04):
        return decode_document(data, at, as_list=kind == 0x04)
    if kind == 0x08:
        return data[at] != 0, at + 1
    if kind == 0x09:
        return Date(struct.unpack_from("<q", data, at)[0]), at + 8
    if kind == 0x0A:
        return None, at
    if kind == 0x10:
        return Int32(struct.unpack_from("<i", data, at)[0]), at + 4
    if kind == 0x12:
        return Int64(struct.unpack_from("<q", data, at)[0]), at + 8
    if kind in (0x06, 0x7F, 0xFF):
        size = 0
    elif kind == 0x07:
        size = 12
    elif kind == 0x11:
        size = 8
    elif kind == 0x13:
        size = 16
    elif kind == 0x05:
        size = struct.unpack_from("<i", data, at)[0] + 5
    elif kind in (0x0D, 0x0E):
        size = struct.unpack_from("<i", data, at)[0] + 4
    elif kind == 0x0C:
        size = struct.unpack_from("<i", data, at)[0] + 16
    elif kind == 0x0F:
        size = struct.unpack_from("<i", data, at)[0]
    elif kind == 0x0B:
        size = data.index(b"\0", data.index(b"\0", at) + 1) + 1 - at
    else:
        raise ValueError(f"unknown BSON type {kind:#x} at offset {at}")
    return Raw(kind, data[at : at + size]), at + size


def greater_bytes(value):
    """What "greater bytes" compares [2]."""
    kind, data = encode_value(value)
    return bytes([kind]) + data


def same(a, b):
    """Equal by value [2.8]: numbers numerically, NaN equals NaN, field order aside."""
    if is_number(a) and is_number(b):
        return a == b or (a != a and b != b)
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return a == b


# ---------------------------------------------------------------------------------------------------------------------
# JSON [1.1, 1.2, 1.3]


class NotJSON(Exception):
    def __init__(self, offset, why):
        super().__init__(f"{why} at character {offset}")


class JSON:
    """A strict parser (RFC 8259) that knows depths and where a value stands."""

    number = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")

    def __init__(self, text, at=0):
        self.text, self.at = text, at

    def fail(self, why):
        raise NotJSON(self.at, why)

    def space(self):
        while self.at < len(self.text) and self.text[self.at] in " \t\r\n":
            self.at += 1

    def value(self):
        """The value here, and its depth: 0 for a scalar, 1 for a container of scalars."""
        self.space()
        c = self.text[self.at : self.at + 1]
        if c == "{":
            return self.object()
        if c == "[":
            return self.array()
        if c == '"':
            return self.string(), 0
        for word, value in (("true", True), ("false", False), ("null", None)):
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value, 0
        found = self.number.match(self.text, self.at)
        if not found:
            self.fail("no JSON value")
        self.at = found.end()
        if found[2] is None and found[3] is None:
            # int() is quadratic and limited; beyond 400 digits any number is past double's range.
            digits = found[0]
            return integer(int(digits)) if len(digits) < 400 else float(digits), 0
        return float(found[0]), 0  # past double's range: infinite

    def object(self):
        result, depth = {}, 0
        self.at += 1
        self.space()
        if self.text[self.at : self.at + 1] == "}":
            self.at += 1
            return result, 1
        while True:
            self.space()
            if self.text[self.at : self.at + 1] != '"':
                self.fail("a key expected")
            key = self.string()
            self.space()
            if self.text[self.at : self.at + 1] != ":":
                self.fail("':' expected")
            self.at += 1
            value, inner = self.value()
            result[key] = value  # a repeated key: the last value, in the first's place
            depth = max(depth, inner)
            self.space()
            c = self.text[self.at : self.at + 1]
            self.at += 1
            if c == "}":
                return result, depth + 1
            if c != ",":
                self.at -= 1
                self.fail("',' or '}' expected")

    def array(self):
        """The array's values, and its depth; `spans` are kept for an array of dumps."""
        result, depth, spans = [], 0, []
        self.at += 1
        self.space()
        if self.text[self.at : self.at + 1] == "]":
            self.at += 1
            self.spans, self.depths = [], []
            return result, 1
        depths = []
        while True:
            self.space()
            start = self.at
            value, inner = self.value()
            result.append(value)
            spans.append((start, self.at))
            depths.append(inner)
            depth = max(depth, inner)
            self.space()
            c = self.text[self.at : self.at + 1]
            self.at += 1
            if c == "]":
                self.spans, self.depths = spans, depths
                return result, depth + 1
            if c != ",":
                self.at -= 1
                self.fail("',' or ']' expected")

    escapes = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

    def string(self):
        units = []  # characters; surrogates as they come, joined below
        self.at += 1
        while True:
            c = self.text[self.at : self.at + 1]
            if c == "" or c < " ":
                self.fail("unfinished string or control character")
            self.at += 1
            if c == '"':
                break
            if c != "\\":
                units.append(c)
                continue
            c = self.text[self.at : self.at + 1]
            self.at += 1
            if c == "u":
                digits = self.text[self.at : self.at + 4]
                if not re.fullmatch("[0-9a-fA-F]{4}", digits):
                    self.fail("four hexadecimal digits expected")
                self.at += 4
                units.append(chr(int(digits, 16)))
            elif c in self.escapes and c:
                units.append(self.escapes[c])
            else:
                self.fail("unknown escape")
        # Pairs of surrogates become one character, and one that stands alone U+FFFD.
        return "".join(units).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace_surrogate")


def replace_surrogate(error):
    # One UTF-16 unit that is no half of a pair.
    return "\ufffd", error.start + 2


import codecs  # noqa: E402  (beside its only use)

codecs.register_error("replace_surrogate", replace_surrogate)


def parse_json(text):
    """The one value that `text` is, its depth, and the parser."""
    parser = JSON(text)
    value, depth = parser.value()
    parser.space()
    if parser.at != len(text):
        parser.fail("something after the end")
    return value, depth, parser


def extended(value):
    """Extended JSON wrappers read as their types at any depth; for the library shape only [1.3]."""
    if isinstance(value, list):
        return [extended(v) for v in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, inner),) = value.items()
        if name == "$oid" and isinstance(inner, str) and re.fullmatch("[0-9a-fA-F]{24}", inner):
            return Raw(0x07, bytes.fromhex(inner))
        if name == "$numberInt" and isinstance(inner, str) and re.fullmatch("-?[0-9]+", inner):
            if -(2**31) <= int(inner) < 2**31:
                return Int32(int(inner))
        if name == "$numberLong" and isinstance(inner, str) and re.fullmatch("-?[0-9]+", inner):
            if -(2**63) <= int(inner) < 2**63:
                return Int64(int(inner))
        if name == "$numberDouble" and isinstance(inner, str):
            words = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}
            if inner in words:
                return words[inner]
            if JSON.number.fullmatch(inner):
                return float(inner)
        if name == "$date":
            ms = date_wrapper(inner)
            if ms is not None:
                return Date(ms)
    return {name: extended(inner) for name, inner in value.items()}


def has_null_key(value):
    if isinstance(value, dict):
        return any("\0" in k or has_null_key(v) for k, v in value.items())
    return isinstance(value, list) and any(has_null_key(v) for v in value)


# ---------------------------------------------------------------------------------------------------------------------
# Normal form [1.1]

TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(?:Z|([+-])([0-9]{2}):?([0-9]{2}))"
)


def time_of_string(text):
    found = TIME.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(found[i]) for i in range(1, 7))
    # Reading: 24:00, a 60th second and an offset beyond ±23:59 are no times.
    try:
        moment = datetime.datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None
    ms = (moment - datetime.datetime(1970, 1, 1)) // datetime.timedelta(milliseconds=1)
    ms += int(((found[7] or "") + "000")[:3])
    if found[8]:
        hours, minutes = int(found[9]), int(found[10])
        if hours > 23 or minutes > 59:
            return None
        offset = (hours * 60 + minutes) * 60_000
        ms += -offset if found[8] == "+" else offset
    return ms


def truncated(value):
    """The number without its fraction, when there is such an int64."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    value = int(value)
    return value if -(2**63) <= value < 2**63 else None


def date_wrapper(inner):
    """Milliseconds of what stands in `{"$date": ...}`."""
    if isinstance(inner, str):
        return time_of_string(inner)
    if isinstance(inner, dict) and len(inner) == 1:
        ((name, text),) = inner.items()
        if name in ("$numberLong", "$numberInt", "$numberDouble"):
            inner = extended(inner)
    return truncated(inner) if is_number(inner) else None


def time(value):
    """A `Date`, or None: no time."""
    if isinstance(value, Date):
        ms = value.ms
    elif isinstance(value, str):
        ms = time_of_string(value)
    elif isinstance(value, dict) and value.keys() == {"$date"}:
        ms = date_wrapper(value["$date"])
    elif is_number(value):
        if isinstance(value, float) and not math.isfinite(value):
            return None
        if value < 100_000_000_000:
            # The product is a double's for a double, exact for an integer.
            value = value * 1000.0 if isinstance(value, float) else int(value) * 1000
        ms = truncated(value)
    else:
        ms = None
    return Date(ms) if ms is not None and ms > 0 and ms < 2**63 else None


class Quarantined(Exception):
    """An entry is not used, and why."""

    def __init__(self, reason, detail=""):
        super().__init__(reason)
        self.reason, self.detail = reason, detail


def strict_string(value):
    if not isinstance(value, str):
        raise Quarantined("invalid-field", "a string is expected")
    return value or None


def loose_string(value):
    return value if isinstance(value, str) and value else None


def strings(value):
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return None
    # Reading: a single "" is an array without elements, not absence.
    return [v for v in value if isinstance(v, str) and v]


def fraction(value):
    """`completionRate`: dropped when not finite."""
    return volume(value) if is_number(value) and -math.inf < value < math.inf else None


def volume(value):
    """`volume`. Reading: an infinite one is clamped as any other; NaN has no place between 0 and 1."""
    if not is_number(value) or value != value:
        return None
    return 0.0 if value <= 0 else 1.0 if value >= 1 else float(value)


def duration(value):
    return value if is_number(value) and 0 <= value < math.inf else None


def boolean(value):
    return value if isinstance(value, bool) else None


def list_without_nulls(value):
    return [v for v in value if v is not None] if isinstance(value, list) else None


def list_as_it_is(value):
    # Reading: a list of a playlist that is none is absent; the playlist is used all the same.
    return value if isinstance(value, list) else None


def list_of_strings(value):
    return strings(value) if isinstance(value, list) else None


def as_it_is(value):
    return value


def total(value):
    """`total_songs_played`: a non-negative int64, or None."""
    if isinstance(value, str):
        if not re.fullmatch("[0-9]+", value):
            return None
        count = int(value) if len(value.lstrip("0")) < 20 else 2**63
        return Int64(count) if count < 2**63 else None
    # Reading: a fraction is cut off, and a negative number is one even when it would be cut to 0.
    if not is_number(value) or not 0 <= value < 2**63:
        return None
    return Int64(int(value))


# Reading: entries of every list share one normal form: what the table knows of any of them is known in all.
ENTRY = {
    "videoId": strict_string,
    "title": strict_string,
    "artist": strict_string,
    "artwork": loose_string,
    "duration": duration,
    "language": loose_string,
    "source": loose_string,
    "genres": strings,
    "moods": strings,
    "addedAt": time,
    "playedAt": time,
    "removedAt": time,
    "completionRate": fraction,
}

FIELDS = {
    "favorites": ENTRY,
    "history": ENTRY,
    "queue": {**ENTRY, "position": as_it_is},
    "songs": ENTRY,
    "playlists": {
        "id": as_it_is,
        "name": loose_string,
        "description": as_it_is,
        "songs": list_as_it_is,  # with its nulls: they count in an index
        "song_count": as_it_is,
        "cover_urls": list_without_nulls,
        "is_public": boolean,
        "created_at": time,
        "updated_at": time,
        "client_ids": list_of_strings,
    },
    "removed.favorites": ENTRY,
    "removed.playlists": {"id": as_it_is, **ENTRY},
    "removed.playlist_songs": {"playlist_id": as_it_is, **ENTRY},
}

ALIASES = {
    "videoId": ["youtube_video_id", "video_id"],
    "artist": ["artist_name"],
    "artwork": ["artwork_url", "image_url"],
    "addedAt": ["added_at"],
    "playedAt": ["played_at"],
    "completionRate": ["completion_rate"],
    "duration": ["duration_seconds"],
    "created_at": ["createdAt"],
    "updated_at": ["updatedAt"],
    "is_public": ["isPublic"],
}
STRING_FIELDS = {"title", "artist", "videoId", "source", "language", "artwork", "name"}
TIME_OF_ENTRY = {"favorites": "addedAt", "history": "playedAt", "queue": "addedAt", "songs": "addedAt"}
TIMES = ("playedAt", "addedAt", "removedAt")


def normal(kind, entry):
    """The normal form of an entry's known fields; the others stay as they are."""
    if not isinstance(entry, dict):
        raise Quarantined("invalid-field", "no object")
    # A playlist's song is an entry of its own.
    if has_null_key({k: v for k, v in entry.items() if not (kind == "playlists" and k == "songs")}):
        raise Quarantined("invalid-field", "a key holds U+0000")
    entry, known = dict(entry), FIELDS[kind]

    def present(name, as_field):
        value = entry.get(name)
        return value is not None and not (as_field in STRING_FIELDS and value == "")

    for name in known:
        for alias in ALIASES.get(name, []):
            if not present(name, name) and present(alias, name):
                entry[name] = entry[alias]
        for alias in ALIASES.get(name, []):
            entry.pop(alias, None)
    result = {}
    for name, value in entry.items():
        if name in known:
            if value is not None:
                value = known[name](value)
            if value is None:
                continue
        result[name] = value
    return result


def lowercase(text):
    """The full lowercase mapping of each scalar, without context."""
    return "".join(c.lower() for c in text)


def song_key(entry):
    if "videoId" in entry:
        return "v:" + entry["videoId"]
    if "title" in entry:
        return "t:" + lowercase(entry["title"]) + "\x1f" + lowercase(entry.get("artist", ""))
    return None


# Reading: "trimmed" takes away what Unicode calls White_Space.
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"


def trimmed(text):
    return text.strip(WHITE_SPACE)


def checked(kind, entry, newest):
    """The normal form of an entry that can be used. `newest`: the time after which a dump's entry is from the future.

    Reading: where several reasons hold, the first in the order of the table of [1.5] is given.
    """
    entry = normal(kind, entry)
    if kind == "playlists":
        if not isinstance(entry.get("id"), str) or not entry["id"]:
            raise Quarantined("no-identity")
        for name in ("created_at", "updated_at"):
            if newest is not None and name in entry and entry[name].ms > newest:
                del entry[name]
        return entry
    if kind == "removed.playlists":
        if not isinstance(entry.get("id"), str) or not entry["id"]:
            raise Quarantined("no-identity")
    elif song_key(entry) is None:
        raise Quarantined("no-identity")
    if kind == "removed.playlist_songs" and (not isinstance(entry.get("playlist_id"), str) or not entry["playlist_id"]):
        raise Quarantined("no-identity")
    name = TIME_OF_ENTRY.get(kind, "removedAt")
    if name not in entry and name in ("playedAt", "removedAt"):
        raise Quarantined("no-time")
    if newest is not None and any(t in entry and entry[t].ms > newest for t in TIMES):
        raise Quarantined("future-time")
    return entry


LISTS = ("favorites", "history", "queue", "playlists", "recent_searches")
SECTIONS = ("favorites", "history", "queue", "playlists", "preferences", "recent_searches")
TIMED = ("queue", "preferences", "recent_searches")
TOMBSTONES = ("favorites", "playlists", "playlist_songs")


class Library:
    """The sections of one replica in normal form. A section that is not in `sections` is absent."""

    def __init__(self, raw, newest, report):
        """`raw`: the sections as read. `report(section, index, reason, raw)` is told what is not used."""
        self.sections = {}
        for name in LISTS:
            value = raw.get(name)
            if value is None:
                continue
            if not isinstance(value, list):
                report(name, None, "invalid-section", value)
                continue
            self.sections[name] = self.entries(name, value, newest, report)
        preferences = raw.get("preferences")
        if preferences is not None:
            if not isinstance(preferences, dict) or has_null_key(preferences):
                report("preferences", None, "invalid-section", preferences)
            else:
                self.sections["preferences"] = self.normal_preferences(preferences)
        count = total(raw.get("total_songs_played"))
        if count is not None:
            self.sections["total_songs_played"] = count
        removed = raw.get("removed")
        self.removed_unknown = {}
        if removed is not None:
            if not isinstance(removed, dict):
                report("removed", None, "invalid-section", removed)
            else:
                self.sections["removed"] = {}
                for name, value in removed.items():
                    if name not in TOMBSTONES:
                        self.removed_unknown[name] = value
                    elif value is None:
                        pass
                    elif not isinstance(value, list):
                        # Reading: one list of a wrong type is quarantined without its siblings.
                        report("removed." + name, None, "invalid-section", value)
                    else:
                        kind = "removed." + name
                        self.sections["removed"][name] = self.entries(kind, value, newest, report)

    @staticmethod
    def entries(kind, values, newest, report):
        result = []
        for index, value in enumerate(values):
            if value is None:
                continue
            if kind == "recent_searches":
                if isinstance(value, str):
                    result += [trimmed(value)] if trimmed(value) else []
                else:
                    report(kind, index, "invalid-field", value)
                continue
            try:
                entry = checked(kind, value, newest)
            except Quarantined as why:
                report(kind, index, why.reason, value)
                continue
            if kind == "playlists" and "songs" in entry:
                songs = []
                for song in entry["songs"]:
                    if song is None:
                        continue
                    try:
                        songs.append(checked("songs", song, newest))
                    except Quarantined as why:
                        # Reading: a playlist's song is reported under the playlist's index.
                        report("playlists", index, why.reason, song)
                entry["songs"] = songs
            elif kind == "playlists" and value.get("songs") is not None:
                # Reading: songs that are no list are kept like a song that is no object; the playlist is used without.
                report("playlists", index, "invalid-field", value["songs"])
            result.append(entry)
        return result

    @staticmethod
    def normal_preferences(preferences):
        result = {}
        for name, value in preferences.items():
            if name == "shuffle" and not isinstance(value, bool):
                continue
            if name == "repeat" and not (isinstance(value, str) and value in ("off", "all", "one")):
                continue
            if name == "volume":
                value = volume(value)
                if value is None:
                    continue
            result[name] = value
        return result

    def times(self):
        for name, value in self.sections.items():
            if name in ("favorites", "history", "queue", "playlists"):
                for entry in value:
                    yield from (entry[k].ms for k in ("addedAt", "playedAt", "created_at", "updated_at") if k in known_times(name) and k in entry)
                    for song in entry.get("songs", []) if name == "playlists" else []:
                        if "addedAt" in song:
                            yield song["addedAt"].ms
            if name == "removed":
                for entries in value.values():
                    yield from (entry["removedAt"].ms for entry in entries)


def known_times(kind):
    return [name for name, form in FIELDS[kind].items() if form is time]


# ---------------------------------------------------------------------------------------------------------------------
# Inputs [1.2]


class Source:
    """One file or entry that holds dumps: its name, its path inside the input, its time, its bytes."""

    def __init__(self, name, path, mtime, data):
        self.name, self.path, self.mtime, self.data = name, path, mtime, data


DUMP_NAME = re.compile(r".*\.(json|ndjson|jsonl)(\.gz|\.zst)?", re.S)


def decompressed(data):
    while True:
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        elif data[:4] == b"\x28\xb5\x2f\xfd":
            data = subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=True).stdout
        else:
            return data


def sources(inputs):
    for path in inputs:
        if os.path.isdir(path):
            found = []
            for folder, _, names in os.walk(path):
                for name in names:
                    full = os.path.join(folder, name)
                    found.append(os.path.relpath(full, path))
            for inside in sorted(found, key=os.fsencode):
                if DUMP_NAME.fullmatch(inside):
                    full = os.path.join(path, inside)
                    with open(full, "rb") as f:
                        yield Source(full, inside, os.stat(full).st_mtime_ns // 1_000_000, decompressed(f.read()))
            continue
        with open(path, "rb") as f:
            data = decompressed(f.read())
        if data[257:262] == b"ustar":
            with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                for entry in tar:
                    if entry.isfile() and DUMP_NAME.fullmatch(entry.name):
                        exact = entry.pax_headers.get("mtime")
                        mtime = math.floor(Decimal(exact) * 1000) if exact else int(entry.mtime) * 1000
                        inside = re.sub(r"^(\./)+", "", entry.name)
                        yield Source(f"{path}:{inside}", inside, mtime, decompressed(tar.extractfile(entry).read()))
        elif data[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for entry in archive.infolist():
                    if not entry.is_dir() and DUMP_NAME.fullmatch(entry.filename):
                        yield Source(f"{path}:{entry.filename}", entry.filename, zip_time(entry), decompressed(archive.read(entry)))
        else:
            yield Source(path, os.path.basename(path), os.stat(path).st_mtime_ns // 1_000_000, data)


def zip_time(entry):
    extra = entry.extra
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        if kind == 0x5455 and size >= 5 and extra[4] & 1:
            return struct.unpack_from("<i", extra, 5)[0] * 1000
        extra = extra[4 + size :]
    moment = datetime.datetime(*entry.date_time) - datetime.datetime(1970, 1, 1)
    return moment // datetime.timedelta(milliseconds=1)


class Text:
    """One dump as it was found: its text, and its value or why there is none."""

    def __init__(self, source, place, text, value=None, reason=None):
        self.source, self.place, self.text, self.value, self.reason = source, place, text, value, reason


def texts(source, limits):
    """The dumps of a source: one value, an array of them, or one a line."""
    data = source.data
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    try:
        yield from one_text(source, "", data, limits, parse_json(data.decode()))
        return
    except (NotJSON, UnicodeDecodeError):
        pass
    lines = [(number, line.strip(b" \t\r")) for number, line in enumerate(data.split(b"\n"), 1)]
    lines = [(number, line) for number, line in lines if line]
    # Reading: it is one value a line when the first line is one, or when another looks like an object's. A scalar that
    # is too large to be kept cannot be told from the first line of something else.
    first = lines[0][1] if lines else b""
    is_line = (first[:1] in b"{[" or len(first) <= limits.max_dump_size) and is_json(first)
    others = data[: limits.max_dump_size].lstrip(b" \t\r\n").split(b"\n")[1:]
    has_lines = not is_closed_object(data.strip(b" \t\r\n")) and any(
        is_closed_object(line.rstrip(b" \t\r")) for line in others
    )
    if len(lines) > 1 and (is_line or has_lines):
        for number, line in lines:
            if len(line) > limits.max_dump_size:
                yield Text(source, f"line {number}", line, reason="too-large")
                continue
            try:
                parsed = parse_json(line.decode())
            except (NotJSON, UnicodeDecodeError):
                yield Text(source, f"line {number}", line, reason="invalid-json")
                continue
            yield from one_text(source, f"line {number}", line, limits, parsed)
    else:
        data = data.strip(b" \t\r\n")
        yield Text(source, "", data, reason="too-large" if len(data) > limits.max_dump_size else "invalid-json")


def is_closed_object(line):
    """Whether a line is one object as far as its brackets tell."""
    if line[:1] != b"{":
        return False
    open_brackets = 0
    for match in re.finditer(rb'"(?:\\.|[^"\\])*"|[\[\]{}]', line):
        open_brackets += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(match[0], 0)
        if open_brackets == 0:
            return match.end() == len(line)
    return False


def is_json(line):
    try:
        parse_json(line.decode())
        return True
    except (NotJSON, UnicodeDecodeError):
        return False


def one_text(source, place, data, limits, parsed):
    value, depth, parser = parsed
    if isinstance(value, list):
        for index, (item, (start, end), inner) in enumerate(zip(value, parser.spans, parser.depths)):
            text = parser.text[start:end].encode()
            yield judged(Text(source, f"{place} item {index}".strip(), text, item), inner, limits)
    else:
        yield judged(Text(source, place, data.strip(b" \t\r\n"), value), depth, limits)


def judged(text, depth, limits):
    if len(text.text) > limits.max_dump_size:
        text.reason = "too-large"
    elif not isinstance(text.value, dict):
        text.reason = "invalid-json"
    elif depth > limits.max_depth:
        text.reason = "too-deep"
    return text


# ---------------------------------------------------------------------------------------------------------------------
# The shapes of a dump [1.3]

LIBRARY_KEYS = {"favorites", "history", "total_songs_played", "queue", "playlists", "preferences", "recent_searches", "removed"}
OTHER_LIBRARY_KEYS = {"section_updated_at", "updated_at"}
ENVELOPE_KEYS = {"user_id", "exported_at", "device_id", "data"}
LOCAL_STORAGE = {
    "tldr-favorites": "favorites",
    "tldr-history": "history",
    "tldr-queue": "queue",
    "tldr-playlists": "playlists",
    "tldr-recent-searches": "recent_searches",
}


class Dump:
    """What one dump says: its user by content and by path, its time, its sections as read."""

    def __init__(self, text, max_depth):
        """Raises `Quarantined` for the dump; what is wrong with a section is in `faults`."""
        outer = text.value
        self.text, self.source, self.place = text.text, text.source, text.place
        self.raw, self.faults = {}, []

        def any_key(prefix, body):
            return any(key.startswith(prefix) for key in body)

        body, inner = outer, {}
        beside = any_key("tldr-", outer) or any_key("local_", outer) or outer.keys() & LIBRARY_KEYS
        enveloped = isinstance(outer.get("data"), dict) and not beside
        if enveloped:
            body = inner = outer["data"]

        content_user = None
        if any_key("tldr-", body):
            self.local_storage(body, max_depth)
            user = self.parsed(body.get("tldr-user"), max_depth)
            content_user = user.get("id") if isinstance(user, dict) else None
        elif any_key("local_", body):
            for name in SECTIONS + ("total_songs_played",):
                self.raw[name] = body.get("local_" + name)
            self.raw["removed"] = body.get("removed")
        elif body.keys() & (LIBRARY_KEYS | OTHER_LIBRARY_KEYS):
            # Reading: in what is wrapped round a library, too.
            body = extended(body)
            if not enveloped:
                outer = body
            else:
                outer, inner = extended(outer), body
            for name in LIBRARY_KEYS:
                self.raw[name] = body.get(name)
        elif not outer.keys() & ENVELOPE_KEYS:
            raise Quarantined("unknown-shape")
        # Reading: an envelope round an object of no shape is a dump without any section.

        def of_envelope(name):
            value = outer.get(name)
            return value if value is not None else inner.get(name)

        self.user = of_envelope("user_id")
        if self.user is None:
            self.user = content_user
        # `exported_at`: an outer one that is no time is dropped, and the inner one counts.
        exported = time(outer.get("exported_at")) or time(inner.get("exported_at"))
        self.exported_at = exported.ms if exported else None
        # Reading: the newest time inside a dump is one of its entries', or of the library's own fields.
        self.body_times = []
        if not any_key("tldr-", body) and not any_key("local_", body):
            stamps = [body.get("updated_at")]
            if isinstance(body.get("section_updated_at"), dict):
                stamps += body["section_updated_at"].values()
            self.body_times = [t.ms for t in map(time, stamps) if t]

    def parsed(self, value, max_depth):
        """`tldr-user`. Reading: one that does not parse is as if absent."""
        if isinstance(value, str):
            try:
                value, depth, _ = parse_json(value)
            except NotJSON:
                return None
            if depth > max_depth:
                return None
        return value

    def local_storage(self, body, max_depth):
        for key, name in [*LOCAL_STORAGE.items(), ("removed", "removed")]:
            value = body.get(key)
            if isinstance(value, str):
                try:
                    value, depth, _ = parse_json(value)
                except NotJSON:
                    self.faults.append((name, "invalid-section", value))
                    continue
                if depth > max_depth:
                    self.faults.append((name, "too-deep", value))
                    continue
            self.raw[name] = value
        preferences = {}
        for key, name, words in (
            ("tldr-shuffle", "shuffle", {"true": True, "false": False, True: True, False: False}),
            ("tldr-repeat", "repeat", {"off": "off", "all": "all", "one": "one"}),
        ):
            value = body.get(key)
            if value is None:
                continue
            if isinstance(value, (str, bool)) and value in words:
                preferences[name] = words[value]
            else:
                # Reading: the other of the two is used all the same.
                self.faults.append(("preferences", "invalid-section", value))
        if preferences:
            self.raw["preferences"] = preferences
        self.raw["total_songs_played"] = body.get("tldr-total-songs-played")

    @property
    def path_user(self):
        """Reading: one compression suffix and then one format suffix are taken away."""
        parts = self.source.path.split("/")
        if len(parts) > 1:
            return parts[-2]
        return re.sub(r"\.(json|ndjson|jsonl)$", "", re.sub(r"\.(gz|zst)$", "", parts[0]))

    def resolve_user(self, users_from):
        def valid(user):
            if not isinstance(user, str) or not user or len(user.encode("utf-8", "surrogateescape")) > 256:
                raise Quarantined("no-user")
            if any("\ud800" <= character <= "\udfff" for character in user):
                # Bytes in a path that are not UTF-8.
                raise Quarantined("no-user")
            return user

        if users_from == "path":
            return valid(self.path_user)
        if users_from == "agree":
            # Reading: a dump that does not name its user does not agree with its path.
            if self.user is None:
                valid(self.path_user)
                raise Quarantined("user-mismatch")
            if valid(self.user) != valid(self.path_user):
                raise Quarantined("user-mismatch")
            return self.user
        return valid(self.user if self.user is not None else self.path_user)


# ---------------------------------------------------------------------------------------------------------------------
# Replicas and their order [2]

DUMP, GUEST, CLOUD = 0, 1, 2
OLDEST = -1  # every time is greater than 0


def age(ms):
    return OLDEST if ms is None else ms


class Replica:
    def __init__(self, rank, ms, library, text=b""):
        self.rank, self.ms, self.library, self.text = rank, ms, library, text
        self.sections = library.sections
        self.section_times = {}  # the cloud's
        self.has_section_updated_at = False

    def time_of(self, section):
        return self.section_times.get(section) if self.rank == CLOUD else self.ms


def before(a, b):
    """-1 when `a` stands before `b`."""
    if age(a.ms) != age(b.ms):
        return -1 if age(a.ms) > age(b.ms) else 1
    if a.rank != b.rank:
        return -1 if a.rank < b.rank else 1
    # Two dumps, or two guests' libraries: descending bytes.
    return (a.text < b.text) - (a.text > b.text)


def ordered(replicas):
    return sorted(replicas, key=functools.cmp_to_key(before))


def having(replicas, section):
    return [r for r in replicas if section in r.sections]


def in_order_of_fields(kind, fields):
    known = [k for k in FIELDS[kind] if k in fields]
    return {k: fields[k] for k in known + sorted(fields.keys() - set(known), key=str.encode)}


# --- 2.1


def merged_favorites(entries, tombstones):
    groups = {}
    for entry in entries:
        groups.setdefault(song_key(entry), []).append(entry)
    result = []
    for key, group in groups.items():
        best = {}
        for entry in group:
            for name, value in entry.items():
                rank = (added(entry), greater_bytes(value))
                if name not in best or rank > best[name][0]:
                    best[name] = (rank, value)
        favorite = in_order_of_fields("favorites", {name: value for name, (_, value) in best.items()})
        if key in tombstones and tombstones[key]["removedAt"].ms >= added(favorite):
            continue
        result.append((added(favorite), key.encode(), favorite))
    return [favorite for _, _, favorite in sorted(result, key=lambda x: x[:2])]


def added(entry):
    return entry["addedAt"].ms if "addedAt" in entry else OLDEST


# --- 2.2


def merged_history(entries):
    """All distinct plays in order, before the limit."""
    groups = {}
    for entry in entries:
        groups.setdefault((song_key(entry), entry["playedAt"].ms), []).append(entry)
    result = []
    for (key, played), group in groups.items():
        best = {}
        for entry in group:
            for name, value in entry.items():
                rank = (entry.get("completionRate", -1.0), greater_bytes(value))
                if name not in best or rank > best[name][0]:
                    best[name] = (rank, value)
        play = in_order_of_fields("history", {name: value for name, (_, value) in best.items()})
        result.append((-played, key.encode(), play))
    return [play for _, _, play in sorted(result, key=lambda x: x[:2])]


# --- 2.3


def renumbered(queue):
    result = []
    for position, item in enumerate(queue):
        result.append(in_order_of_fields("queue", {**item, "position": Int32(position)}))
    return result


def merged_queue(replicas):
    """The queue and its time, or None."""
    best = None
    for replica in having(replicas, "queue"):  # in replica order: the first of equals stays, but for the cloud
        ms = age(replica.time_of("queue"))
        if best is None or ms > best[0] or (ms == best[0] and replica.rank == CLOUD):
            best = (ms, replica)
    if best is None:
        return None
    return renumbered(best[1].sections["queue"]), best[1].time_of("queue")


# --- 2.4


def is_local(playlist_id):
    return playlist_id.startswith("pl_")


def rule_4(user, local_id):
    digest = hashlib.sha256((user + "\n" + local_id).encode()).digest()
    return "playlist_" + base64.b32encode(digest).decode().lower()[:12]


class PlaylistNames:
    """Which playlist an id means, for one user [2.4]."""

    def __init__(self, user, cloud, versions, named):
        """`cloud`: the cloud's playlists. `versions`: all others, newest first. `named`: the ids that tombstones name."""
        self.user, self.named = user, named
        self.ids = {p["id"] for p in cloud}
        self.clients = {}  # local id -> the cloud playlists that came from it
        for playlist in cloud:
            for local_id in playlist.get("client_ids", []):
                self.clients.setdefault(local_id, set()).add(playlist["id"])
        self.by_name = {}  # name -> the cloud playlists that rule 3 is for
        client_ids = {}
        for playlist in cloud:
            client_ids.setdefault(playlist["id"], set()).update(playlist.get("client_ids", []))
        for playlist in cloud:
            made = any(rule_4(user, c) == playlist["id"] for c in client_ids[playlist["id"]])
            # Reading: one that a tombstone names is not counted among those of its name.
            tombstone = any(holds(user, name, playlist["id"], client_ids[playlist["id"]]) for name in named)
            if "name" in playlist and trimmed(playlist["name"]) and not made and not tombstone:
                self.by_name.setdefault(trimmed(playlist["name"]), set()).add(playlist["id"])
        self.names = {}  # local id -> the names of its versions, newest first
        for version in versions:
            if trimmed(version.get("name", "")):
                self.names.setdefault(version["id"], []).append(trimmed(version["name"]))

    def resolve(self, playlist_id):
        """The playlist's id, and whether the local id joins its `client_ids`."""
        if playlist_id in self.ids or not is_local(playlist_id):
            return playlist_id, False
        if playlist_id in self.clients:
            return min(self.clients[playlist_id], key=str.encode), True
        # Reading: a tombstone of the id that rule 4 gives names the local id, too.
        if playlist_id not in self.named and rule_4(self.user, playlist_id) not in self.named:
            for name in self.names.get(playlist_id, []):
                if len(self.by_name.get(name, ())) == 1:
                    return next(iter(self.by_name[name])), True
        return rule_4(self.user, playlist_id), True


def newest_first(versions):
    """(replica position, replica, index, playlist) ordered as versions of one playlist."""

    def key(version):
        position, replica, index, playlist = version
        updated = playlist["updated_at"].ms if "updated_at" in playlist else OLDEST
        # Reading: versions in one replica stand in the order of its list.
        return (-updated, replica.rank == CLOUD, position, index)

    return sorted(versions, key=key)


def merged_playlist(playlist_id, versions, client_ids, song_tombstones):
    """`versions`: playlists, newest first."""
    result = {"id": playlist_id}
    computed = {"id", "songs", "song_count", "cover_urls", "client_ids", "created_at", "updated_at", "is_public"}
    for version in versions:
        for name, value in version.items():
            if name not in computed:
                result.setdefault(name, value)

    def covered(song):
        tombstone = song_tombstones.get((playlist_id, song_key(song)))
        return tombstone is not None and tombstone["removedAt"].ms >= added(song)

    lists = []
    for version in versions:
        if "songs" in version:
            songs = {}
            for song in version["songs"]:
                songs.setdefault(song_key(song), song)
            lists.append(songs)
    merged = {}
    for songs in lists:  # newest first: the first value of a field stays
        for key, song in songs.items():
            fields = merged.setdefault(key, {})
            for name, value in song.items():
                fields.setdefault(name, value)
            if added(song) > added(fields):
                fields["addedAt"] = song["addedAt"]
    own = list(lists[0]) if lists else []
    rest = sorted((k for k in merged if k not in own), key=lambda k: (added(merged[k]), k.encode()))
    # Reading: a tombstone is held against the merged song, whose addedAt is the greatest.
    songs = [in_order_of_fields("songs", merged[key]) for key in own + rest if not covered(merged[key])]
    # Reading: without any version's songs the list is empty, as the fields computed from it are.
    result["songs"] = songs
    result["song_count"] = Int32(len(songs))
    covers = [v["cover_urls"] for v in versions if v.get("cover_urls")]
    result["cover_urls"] = covers[0] if covers else [s["artwork"] for s in songs if "artwork" in s][:4]
    result["is_public"] = next((v["is_public"] for v in versions if "is_public" in v), False)
    for name, choose in (("created_at", min), ("updated_at", max)):
        times = [v[name].ms for v in versions if name in v]
        if times:
            result[name] = Date(choose(times))
    if client_ids:
        result["client_ids"] = sorted(client_ids, key=str.encode)
    return in_order_of_fields("playlists", result)


def playlist_order(playlist):
    created = playlist["created_at"].ms if "created_at" in playlist else OLDEST
    return (-created, playlist["id"].encode())


def merged_playlists(user, replicas, playlist_tombstones, song_tombstones, replace=False):
    """The playlists, and the tombstones of playlists and of their songs under every id they are kept under.

    `replicas` in order. With `replace`, the cloud's playlists give only identity and `client_ids` [2.10].
    """
    found = having(replicas, "playlists")
    versions = [
        (position, replica, index, playlist)
        for position, replica in enumerate(found)
        for index, playlist in enumerate(replica.sections["playlists"])
    ]
    cloud = [p for _, r, _, p in versions if r.rank == CLOUD]
    local = [p for _, r, _, p in newest_first(versions) if r.rank != CLOUD]

    playlist_tombstones = spread(user, playlist_tombstones, [(p["id"], p.get("client_ids", [])) for p in cloud])
    names = PlaylistNames(user, cloud, local, set(playlist_tombstones))

    groups, client_ids = {}, {}
    for version in versions:
        playlist = version[3]
        playlist_id, joins = names.resolve(playlist["id"])
        ids = client_ids.setdefault(playlist_id, set())
        ids.update(playlist.get("client_ids", []))
        if joins:
            ids.add(playlist["id"])
        group = groups.setdefault(playlist_id, [])
        if not (replace and version[1].rank == CLOUD):
            group.append(version)

    # Each song's tombstone also under the id that its playlist's id means.
    song_places = {}
    for (playlist_id, key), tombstone in song_tombstones.items():
        resolved = names.resolve(playlist_id)[0]
        for place in ((playlist_id, key), (resolved, key)):
            song_places[place] = newer_tombstone(song_places.get(place), {**tombstone, "playlist_id": place[0]})

    result, left = [], {}
    for playlist_id, group in groups.items():
        if not group:
            continue
        group = [playlist for _, _, _, playlist in newest_first(group)]
        playlist = merged_playlist(playlist_id, group, client_ids[playlist_id], song_places)
        holding = [t["removedAt"].ms for name, t in playlist_tombstones.items() if holds(user, name, playlist_id, client_ids[playlist_id])]
        updated = playlist["updated_at"].ms if "updated_at" in playlist else OLDEST
        if not holding or max(holding) < updated:
            result.append(playlist)
            left[playlist_id] = client_ids[playlist_id]

    # Reading: a playlist's tombstone is kept under the ids of the playlists of the cloud and of those that are left, so
    # not under an id that rule 4 gives to what it takes away; and a song's under the id that rule 4 gives, unless a
    # playlist's tombstone names that playlist and it is gone. With any more or less a second run would write.
    playlist_tombstones = spread(user, playlist_tombstones, list(left.items()))
    kept_songs = {}
    for (playlist_id, key), tombstone in song_places.items():
        gone = playlist_id not in left and playlist_id not in names.ids
        if gone and any(rule_4(user, name) == playlist_id for name in playlist_tombstones if is_local(name)):
            tombstone = song_tombstones.get((playlist_id, key))  # as it is stated, if it is
        if tombstone is not None:
            kept_songs[playlist_id, key] = tombstone
    return sorted(result, key=playlist_order), playlist_tombstones, kept_songs


def holds(user, name, playlist_id, client_ids):
    return name == playlist_id or name in client_ids or (is_local(name) and rule_4(user, name) == playlist_id)


def spread(user, tombstones, playlists):
    """Each tombstone also under the id and the client ids of each playlist that it holds for, until nothing is added."""
    tombstones = dict(tombstones)
    while True:
        start = dict(tombstones)
        for playlist_id, client_ids in playlists:
            joined = None
            for name, tombstone in tombstones.items():
                if holds(user, name, playlist_id, client_ids):
                    joined = newer_tombstone(joined, {k: v for k, v in tombstone.items() if k != "id"})
            if joined is not None:
                for name in {playlist_id, *client_ids}:
                    tombstones[name] = {"id": name, **joined}
        if start == tombstones:
            return tombstones


# --- 2.5


def merged_preferences(replicas, cloud):
    """The preferences, or None."""
    dumps = [r for r in having(replicas, "preferences") if r.rank != CLOUD]
    known = cloud.sections.get("preferences") if cloud else None
    if not dumps and known is None:
        return None
    result = dict(known or {})
    decided = set()
    for replica in dumps:
        for name, value in replica.sections["preferences"].items():
            if name in decided:
                continue
            decided.add(name)  # only the newest dump that has the key speaks for the dumps
            if known is None or name not in known or accepted(replica, cloud):
                result[name] = value
    return result


def accepted(replica, cloud):
    return not cloud.has_section_updated_at or age(replica.ms) >= age(cloud.time_of("preferences"))


def preferences_time(replicas, cloud):
    for replica in having(replicas, "preferences"):
        if replica.rank != CLOUD:
            if cloud is None or "preferences" not in cloud.sections or accepted(replica, cloud):
                return replica.ms
    return cloud.time_of("preferences") if cloud else None


# --- 2.6


def merged_searches(replicas):
    found = having(replicas, "recent_searches")
    # `found` is in replica order, and a stable sort keeps it at equal times, but the cloud's time is its section's.
    found = sorted(found, key=lambda r: (-age(r.time_of("recent_searches")), r.rank == CLOUD))
    result, seen = [], set()
    for replica in found:
        for search in replica.sections["recent_searches"]:
            if lowercase(search) not in seen:
                seen.add(lowercase(search))
                result.append(search)
    times = [r.time_of("recent_searches") for r in found if r.time_of("recent_searches") is not None]
    return result[:20], max(times, default=None)


# --- 2.7


def newer_tombstone(a, b):
    """Reading: the newer is taken whole; of two of one time each field has the greater bytes."""
    if a is None:
        return b
    if a["removedAt"] != b["removedAt"]:
        return a if a["removedAt"].ms > b["removedAt"].ms else b
    result = dict(a)
    for name, value in b.items():
        if name not in result or greater_bytes(value) > greater_bytes(result[name]):
            result[name] = value
    return result


def tombstone_key(kind, tombstone):
    if kind == "favorites":
        return song_key(tombstone)
    if kind == "playlists":
        return tombstone["id"]
    return (tombstone["playlist_id"], song_key(tombstone))


def utf8(key):
    return tuple(k.encode() for k in key) if isinstance(key, tuple) else key.encode()


def all_tombstones(replicas, kind, oldest):
    result = {}
    for replica in having(replicas, "removed"):
        for tombstone in replica.sections["removed"].get(kind, []):
            if tombstone["removedAt"].ms >= oldest:
                key = tombstone_key(kind, tombstone)
                result[key] = newer_tombstone(result.get(key), tombstone)
    return result


def without_expired(stored, kinds, oldest):
    """`removed` as stored, without what has expired: the absence of that alone is no reason to write."""
    if not isinstance(stored, dict):
        return stored
    result, dropped = {}, False
    for name, value in stored.items():
        if name in kinds and isinstance(value, list):
            left = []
            for entry in value:
                try:
                    expired = entry is not None and checked("removed." + name, entry, None)["removedAt"].ms < oldest
                except Quarantined:
                    expired = False
                if not expired:
                    left.append(entry)
            if len(left) < len(value):
                dropped = True
                if not left:
                    continue
            value = left
        result[name] = value
    return None if dropped and not result else result


# ---------------------------------------------------------------------------------------------------------------------
# One user's document [2.8, 2.10]

PARTS = {  # the top-level fields of a section
    "favorites": ["favorites"],
    "history": ["history", "total_songs_played"],
    "queue": ["queue"],
    "playlists": ["playlists"],
    "preferences": ["preferences"],
    "recent_searches": ["recent_searches"],
}
ABSENT = object()


def cloud_replica(stored, report):
    """The stored document as a replica."""
    replica = Replica(CLOUD, None, Library(stored, None, report))
    updated = time(stored.get("updated_at"))
    replica.ms = updated.ms if updated else None
    stamps = stored.get("section_updated_at")
    replica.has_section_updated_at = isinstance(stamps, dict)
    stamps = stamps if isinstance(stamps, dict) else {}
    as_of = time(stamps.get("as_of"))
    for section in TIMED:
        # Reading: two absent times are not equal.
        if as_of is not None and as_of == updated:
            decided = time(stamps.get(section))
        else:
            decided = updated
        replica.section_times[section] = decided.ms if decided else None
    return replica


def merged_sections(user, replicas, cloud, options):
    """The top-level fields after the merge, and the sections' times. What is not in the fields is absent."""
    fields, times, chosen = {}, {}, options.sections
    oldest = options.as_of - options.tombstone_ttl
    if "favorites" in chosen and having(replicas, "favorites"):
        tombstones = all_tombstones(replicas, "favorites", oldest)
        entries = [e for r in having(replicas, "favorites") for e in r.sections["favorites"]]
        fields["favorites"] = merged_favorites(entries, tombstones)
    if "history" in chosen:
        totals = [r.sections["total_songs_played"] for r in having(replicas, "total_songs_played")]
        if having(replicas, "history"):
            plays = merged_history([e for r in having(replicas, "history") for e in r.sections["history"]])
            fields["history"] = plays[: options.history_limit]
            totals.append(len(plays))
        if totals:
            fields["total_songs_played"] = Int64(max(totals))
    if "queue" in chosen and having(replicas, "queue"):
        fields["queue"], times["queue"] = merged_queue(replicas)
    playlist_tombstones = all_tombstones(replicas, "playlists", oldest)
    song_tombstones = all_tombstones(replicas, "playlist_songs", oldest)
    playlists, playlist_tombstones, song_tombstones = merged_playlists(user, replicas, playlist_tombstones, song_tombstones)
    if "playlists" in chosen and having(replicas, "playlists"):
        fields["playlists"] = playlists
    if "preferences" in chosen and having(replicas, "preferences"):
        fields["preferences"] = merged_preferences(replicas, cloud)
        times["preferences"] = preferences_time(replicas, cloud)
    if "recent_searches" in chosen and having(replicas, "recent_searches"):
        fields["recent_searches"], times["recent_searches"] = merged_searches(replicas)

    # Reading: tombstones of favourites go with the section `favorites`, the other two with `playlists`.
    removed = {}
    if cloud:
        removed.update(cloud.library.removed_unknown)
    for kind, tombstones in (
        ("favorites", all_tombstones(replicas, "favorites", oldest)),
        ("playlists", playlist_tombstones),
        ("playlist_songs", song_tombstones),
    ):
        if tombstones:
            removed[kind] = [tombstones[key] for key in sorted(tombstones, key=utf8)]
    if removed:
        fields["removed"] = removed
    return fields, times


def replaced_sections(user, dump, cloud, options):
    """The same for `replace`: only what the dump has is in the result."""
    fields, times, chosen, own = {}, {}, options.sections, dump.sections
    if "favorites" in chosen and "favorites" in own:
        fields["favorites"] = merged_favorites(own["favorites"], {})
    if "history" in chosen:
        if "history" in own:
            plays = merged_history(own["history"])
            fields["history"] = plays[: options.history_limit]
            known = cloud.sections.get("total_songs_played", 0) if cloud else 0
            fields["total_songs_played"] = Int64(max(known, len(plays)))
        if "total_songs_played" in own:
            fields["total_songs_played"] = own["total_songs_played"]
    if "queue" in chosen and "queue" in own:
        fields["queue"], times["queue"] = renumbered(own["queue"]), dump.ms
    if "playlists" in chosen and "playlists" in own:
        replicas = [dump] + ([cloud] if cloud else [])
        fields["playlists"] = merged_playlists(user, replicas, {}, {}, replace=True)[0]
    if "preferences" in chosen and "preferences" in own:
        fields["preferences"], times["preferences"] = own["preferences"], dump.ms
    if "recent_searches" in chosen and "recent_searches" in own:
        fields["recent_searches"], times["recent_searches"] = merged_searches([dump])
    return fields, times


def new_document(user, stored, replicas, options, report):
    """The document after the merge, or None when nothing is to be written."""
    faults = []
    cloud = cloud_replica(stored, lambda *fault: faults.append(fault)) if stored is not None else None
    touched = []  # the fields that this run may change
    if options.mode == "merge":
        for section in options.sections:
            touched += PARTS[section]
        replicas = ordered(replicas + ([cloud] if cloud else []))
        fields, times = merged_sections(user, replicas, cloud, options)
    else:
        dumps = [r for r in ordered(replicas) if r.rank == DUMP]
        if not dumps:
            return None
        fields, times = replaced_sections(user, dumps[0], cloud, options)
        # Reading: a section is not empty when something in it can be used.
        emptied = [s for s in times | fields if not fields[s] and fields[s] != 0 and cloud and cloud.sections.get(s)]
        if emptied and not options.allow_empty:
            return None
        touched += fields

    stored = stored if stored is not None else {}
    result = dict(stored) if cloud else {"_id": Raw(0x07, hashlib.sha256(user.encode()).digest()[:12]), "user_id": user}
    changed = cloud is None
    for name in touched:
        changed |= put(result, name, fields.get(name, ABSENT))
    kinds = []
    if options.mode == "merge":
        kinds += ["favorites"] if "favorites" in options.sections else []
        kinds += ["playlists", "playlist_songs"] if "playlists" in options.sections else []
    if kinds:
        removed = fields.get("removed", {})
        if isinstance(stored.get("removed"), dict):
            for name in TOMBSTONES:  # the lists of sections that are not chosen stay as they are stored
                if name not in kinds:
                    removed.pop(name, None)
                    if name in stored["removed"]:
                        removed[name] = stored["removed"][name]
        else:
            removed = {name: value for name, value in removed.items() if name in kinds or name not in TOMBSTONES}
        before_it = without_expired(stored.get("removed", ABSENT), kinds, options.as_of - options.tombstone_ttl)
        if before_it is None and stored.get("removed") is not None:
            before_it = ABSENT
        if before_it is ABSENT or not removed:
            changed |= (before_it is ABSENT) != (not removed)
        else:
            changed |= not same(before_it, removed)
        put(result, "removed", removed or ABSENT)
    if not changed:
        return None
    if cloud is None and result.keys() <= {"_id", "user_id"}:
        return None  # Reading: a library without anything in it is not made.

    # Reading: what this run does not decide stays as it is stored, so nothing of it is set aside.
    used = set(touched) | ({"removed"} if kinds else set())
    for section, index, reason, raw in faults:
        if section.split(".")[0] in used and (not section.startswith("removed.") or section.split(".")[1] in kinds):
            report(section, index, reason, raw)
    as_of = options.as_of
    updated = time(stored.get("updated_at"))
    if updated:
        as_of = max(as_of, updated.ms + 1)
    stamps = dict(stored["section_updated_at"]) if isinstance(stored.get("section_updated_at"), dict) else {}
    for section in TIMED:
        if section not in touched:
            # Reading: a section that this run leaves alone keeps the time it had, now that `as_of` moves on.
            times[section] = cloud.time_of(section) if cloud and section in cloud.sections else None
        stamps.pop(section, None)
        if times.get(section) is not None:
            stamps[section] = Date(times[section])
    stamps["as_of"] = Date(as_of)
    result["section_updated_at"] = stamps
    result["updated_at"] = Date(as_of)
    return result


def put(document, name, value):
    """Sets or removes a field; True when that changed its value. An equal value stays as it is stored."""
    if value is ABSENT:
        return document.pop(name, ABSENT) is not ABSENT
    if name in document and same(document[name], value):
        return False
    document[name] = value
    return True


# ---------------------------------------------------------------------------------------------------------------------
# The run


def guest_replica(stored, data):
    """The guest's own library as a replica of the account [1.3]. `data`: its bytes as they are stored."""
    replica = cloud_replica(stored, lambda *fault: None)  # it is left as it is, and so is what is wrong in it
    replica.rank, replica.text = GUEST, data
    return replica


def guest_ids(guest, account, library):
    """The ids that rule 4 gave the playlists of a guest's library, each with the one that it gives the account [2.4]."""
    return {
        playlist["id"]: rule_4(account, local_id)
        for playlist in library.sections.get("playlists", [])
        for local_id in playlist.get("client_ids", [])
        if rule_4(guest, local_id) == playlist["id"]
    }


def rename_playlists(replica, ids):
    """Gives playlists, and the removals that name them, other ids."""
    removed = replica.sections.get("removed", {})
    for name, entries in (
        ("id", replica.sections.get("playlists", [])),
        ("id", removed.get("playlists", [])),
        ("playlist_id", removed.get("playlist_songs", [])),
    ):
        for entry in entries:
            entry[name] = ids.get(entry[name], entry[name])


def read_store(path):
    documents = []
    if os.path.exists(path):
        with open(path, "rb") as f:
            data = f.read()
        at = 0
        while at < len(data):
            document, end = decode_document(data, at)
            documents.append((document, data[at:end]))
            at = end
    return documents


def plain(value):
    """A value as JSON for the quarantine."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, Date):
        return {"$date": value.ms}
    if isinstance(value, Raw):
        return {"$raw": f"{value.kind:#x} {value.data.hex()}"}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$numberDouble": str(value)}
    return value


def redacted(value):
    if isinstance(value, dict):
        secret = ("tldr-access-token", "tldr-refresh-token")
        return {k: "<redacted>" if k in secret else redacted(v) for k, v in value.items()}
    return [redacted(v) for v in value] if isinstance(value, list) else value


def run(options):
    quarantine = []

    def note(source, user, section, index, reason, raw):
        quarantine.append(
            {"source": source, "user_id": user, "section": section, "index": index, "reason": reason, "raw": plain(redacted(raw))}
        )

    documents = read_store(os.path.join(options.store, "user_library.bson"))
    stored = {d["user_id"]: d for d, _ in documents if isinstance(d.get("user_id"), str)}
    stored_bytes = {d["user_id"]: data for d, data in documents if isinstance(d.get("user_id"), str)}
    user_map = {}
    if options.user_map:
        with open(options.user_map, newline="", encoding="utf-8-sig") as f:
            for row in csv.reader(f):
                if len(row) == 2:
                    user_map[row[0]] = row[1]

    # A replica without any section says nothing. Reading: for `merge`, those that this run does not decide are none;
    # `replace` takes the newest dump that has any, and tombstones, which it does not read, are none.
    chosen = options.sections if options.mode == "merge" else SECTIONS
    decided = [part for section in chosen for part in PARTS[section]]
    if options.mode == "merge" and {"favorites", "playlists"} & set(options.sections):
        decided.append("removed")

    replicas, dumps_of = {}, {}
    for source in sources(options.inputs):
        for text in texts(source, options):
            place = f"{source.name} {text.place}".strip()
            try:
                if text.reason:
                    raise Quarantined(text.reason)
                dump = Dump(text, options.max_depth)
                user = dump.resolve_user(options.users_from)
            except Quarantined as why:
                note(place, None, None, None, why.reason, text.value if text.reason not in ("invalid-json", "too-large") else None)
                continue
            writer, user = user, user_map.get(user, user)
            if options.no_create and user not in stored:
                note(place, user, None, None, "unknown-user", text.value)
                continue

            def report(section, index, reason, raw):
                part = section.split(".")
                if part[0] == "removed":
                    if options.mode == "replace":
                        return
                    belongs = {"favorites"} if part[1:] == ["favorites"] else {"playlists"} if part[1:] else {"favorites", "playlists"}
                else:
                    belongs = {part[0]}
                if belongs & set(options.sections):
                    note(place, user, section, index, reason, raw)

            for section, reason, raw in dump.faults:
                report(section, None, reason, raw)
            library = Library(dump.raw, options.as_of + options.max_clock_skew, report)
            ms = dump.exported_at
            if ms is None and source.mtime > 0:
                ms = source.mtime
            if ms is None:
                ms = max([*library.times(), *dump.body_times], default=None)
            if ms is not None:
                ms = min(ms, options.as_of)
            if any(part in library.sections for part in decided):
                begin, end = text.text.find(b"{"), text.text.rfind(b"}")
                replica = Replica(DUMP, ms, library, text.text[begin : end + 1])
                replicas.setdefault(user, []).append(replica)
                dumps_of.setdefault(writer, []).append(replica)

    for guest, account in user_map.items():
        if guest in stored and guest != account and not (options.no_create and account not in stored):
            replica = guest_replica(stored[guest], stored_bytes[guest])
            ids = guest_ids(guest, account, replica)
            for theirs in [replica, *dumps_of.get(guest, [])]:
                rename_playlists(theirs, ids)
            if any(part in replica.sections for part in decided):
                replicas.setdefault(account, []).append(replica)

    written = {}
    for user, theirs in replicas.items():
        faults = []
        document = new_document(user, stored.get(user), theirs, options, lambda *fault: faults.append(fault))
        if document is None:
            continue
        data = encode_document(document)
        if len(data) > 16 * 1024 * 1024:
            print(f"document-too-large: {user}", file=sys.stderr)
            continue
        written[user] = data
        for section, index, reason, raw in faults:
            note("store", user, section, index, reason, raw)

    with open(options.out, "wb") as f:
        for document, data in documents:
            user = document.get("user_id")
            f.write(written.pop(user, data) if isinstance(user, str) else data)
        for user in sorted(written, key=str.encode):
            f.write(written[user])
    with open(options.quarantine, "w", encoding="utf-8") as f:
        for line in quarantine:
            f.write(json.dumps(line, ensure_ascii=False) + "\n")
    return 0


def arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inputs", nargs="+", metavar="INPUT")
    parser.add_argument("--store", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--quarantine", required=True)
    parser.add_argument("--as-of", required=True, type=int, help="milliseconds since 1970")
    parser.add_argument("--mode", choices=["merge", "replace"], default="merge")
    parser.add_argument("--sections", type=lambda s: [n for n in SECTIONS if n in s.split(",")], default=list(SECTIONS))
    parser.add_argument("--users-from", choices=["content", "path", "agree"], default="content")
    parser.add_argument("--no-create", action="store_true")
    parser.add_argument("--user-map")
    parser.add_argument("--history-limit", type=int, default=500)
    parser.add_argument("--max-clock-skew", type=int, default=24 * 3600 * 1000, help="milliseconds")
    parser.add_argument("--tombstone-ttl", type=int, default=180 * 24 * 3600 * 1000, help="milliseconds")
    parser.add_argument("--max-depth", type=int, default=64)
    parser.add_argument("--max-dump-size", type=int, default=64 * 1024 * 1024, help="bytes")
    parser.add_argument("--allow-empty", action="store_true", help="inputs without any dump are no error")
    return parser.parse_args(argv)


def main(argv):
    """Runs with a stack that holds very deep JSON."""
    options, result = arguments(argv), []
    sys.setrecursionlimit(1_000_000)
    threading.stack_size(512 * 1024 * 1024)
    thread = threading.Thread(target=lambda: result.append(run(options)))
    thread.start()
    thread.join()
    return result[0] if result else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
