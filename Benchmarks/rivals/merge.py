#!/usr/bin/env python3
"""Merges browser exports into a store of libraries: the program that one writes in Python instead of Mixdown.

    merge.py INPUT... --store DIR --as-of MS [--processes 2]

INPUT is a .tar.zst, .tar.gz or .tar of localStorage dumps. `DIR/user_library.bson` is replaced by a new file, written,
synced and renamed. The merge is Mixdown's, whole for what browsers export; left out are the other shapes of a dump,
tombstones, quarantine, undo and reports. The last line on stdout is JSON: counts, and the seconds of each part.
"""

import argparse
import base64
import gc
import hashlib
import json
import mmap
import multiprocessing
import os
import shutil
import tarfile
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from operator import itemgetter
from pathlib import Path
from time import perf_counter

import bson
import orjson
import zstandard

EPOCH, OLDEST = datetime(1970, 1, 1), datetime.min  # both in UTC, as BSON dates are read
HISTORY_LIMIT, SEARCH_LIMIT = 500, 20
BUFFER = 1 << 20


# --- Normal form: what each known field may be. A converter gives None for what counts as absent.


def time(value):
    if isinstance(value, datetime):
        return value if value > EPOCH else None
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        return moment.astimezone(timezone.utc).replace(tzinfo=None) if moment.tzinfo else None
    if not isinstance(value, (int, float)) or value <= 0:
        return None
    return EPOCH + timedelta(milliseconds=int(value if value >= 100_000_000_000 else value * 1000))


def string(value):
    return value if isinstance(value, str) and value else None


def strings(value):
    if isinstance(value, str):
        return [value]
    return [s for s in value if isinstance(s, str) and s] if isinstance(value, list) else None


def fraction(value):
    return min(max(float(value), 0.0), 1.0) if isinstance(value, (int, float)) else None


def duration(value):
    return value if isinstance(value, (int, float)) and value >= 0 else None


def boolean(value):
    return value if isinstance(value, bool) else None


def count(value):
    if isinstance(value, str):
        return int(value) if value.isdecimal() else None
    return int(value) if isinstance(value, (int, float)) and value >= 0 else None


SONG = {"videoId": string, "title": string, "artist": string, "artwork": string, "addedAt": time}
FAVORITE = {**SONG, "duration": duration, "language": string, "genres": strings}
PLAY = {
    **SONG,
    "language": string,
    "genres": strings,
    "playedAt": time,
    "completionRate": fraction,
    "source": string,
    "moods": strings,
}
PLAYLIST = {"name": string, "is_public": boolean, "created_at": time, "updated_at": time}
ALIASES = {
    "youtube_video_id": "videoId",
    "video_id": "videoId",
    "artist_name": "artist",
    "artwork_url": "artwork",
    "image_url": "artwork",
    "added_at": "addedAt",
    "played_at": "playedAt",
    "completion_rate": "completionRate",
    "duration_seconds": "duration",
}
PLAYLIST_ALIASES = {"createdAt": "created_at", "updatedAt": "updated_at", "isPublic": "is_public"}


def normal(entry, fields, aliases=ALIASES):
    """A copy with the known fields in normal form; unknown fields stay as they are."""
    if not aliases.keys().isdisjoint(entry):
        entry = dict(entry)
        for alias, name in aliases.items():
            if alias in entry and name in fields:
                value = entry.pop(alias)
                if entry.get(name) in (None, ""):
                    entry[name] = value
    result = {}
    for name, value in entry.items():
        if name in fields:
            value = fields[name](value)
            if value is None:
                continue
        result[name] = value
    return result


def songs(entries, fields):
    """Those that name a song, in normal form."""
    entries = (normal(entry, fields) for entry in entries if isinstance(entry, dict))
    return [entry for entry in entries if "videoId" in entry or "title" in entry]


def lowercase(text):
    return text.replace("Σ", "σ").lower()  # a sigma at the end of a word is like any other


def song_key(entry):
    if "videoId" in entry:
        return "v:" + entry["videoId"]
    return "t:" + lowercase(entry["title"]) + "\x1f" + lowercase(entry.get("artist", ""))


class Replica:
    """One version of a library: a dump, or the cloud's document."""

    def __init__(self, raw, time, section_times=None):
        self.time = time
        self.is_cloud = section_times is not None
        self.section_times = section_times or {}
        self.sections = {name: value for name, value in raw.items() if value is not None}
        for name, fields in ("favorites", FAVORITE), ("history", PLAY), ("queue", SONG):
            if name in self.sections:
                self.sections[name] = songs(self.sections[name], fields)
        if "playlists" in self.sections:
            playlists = [normal(playlist, PLAYLIST, PLAYLIST_ALIASES) for playlist in self.sections["playlists"]]
            for playlist in playlists:
                if "songs" in playlist:
                    playlist["songs"] = songs(playlist["songs"], SONG)
            self.sections["playlists"] = playlists

    def time_of(self, section):
        return self.section_times.get(section, OLDEST) if self.is_cloud else self.time


# --- The merge, section by section. Replicas come newest first.


def greater_bytes(value):
    return bson.encode({"": value})[4:]


def united(group, rank):
    """One entry of several: each field from the entry of highest rank that has it, at equal rank the greater bytes."""
    if len(group) == 1:
        return group[0]
    result, ranks = {}, {}
    for entry in sorted(group, key=rank, reverse=True):
        own = rank(entry)
        for name, value in entry.items():
            if name not in result:
                result[name], ranks[name] = value, own
            elif ranks[name] == own and result[name] != value:
                result[name] = max(result[name], value, key=greater_bytes)
    return result


def added(entry):
    return entry.get("addedAt", OLDEST)


def completion(play):
    return play.get("completionRate", -1.0)


def merged_favorites(lists):
    groups = defaultdict(list)
    for favorites in lists:
        for favorite in favorites:
            groups[song_key(favorite)].append(favorite)
    return sorted((united(groups[key], added) for key in sorted(groups)), key=added)


def merged_history(lists):
    """All distinct plays, newest first."""
    groups = defaultdict(list)
    for plays in lists:
        for play in plays:
            if "playedAt" in play:
                groups[song_key(play), play["playedAt"]].append(play)
    keys = sorted(groups, key=itemgetter(0))
    keys.sort(key=itemgetter(1), reverse=True)
    return [united(groups[key], completion) for key in keys]


def merged_queue(replicas):
    newest = max(replicas, key=lambda replica: (replica.time_of("queue"), replica.is_cloud))
    return [{**item, "position": i} for i, item in enumerate(newest.sections["queue"])], newest.time_of("queue")


def server_id(user, local_id):
    digest = hashlib.sha256(f"{user}\n{local_id}".encode()).digest()
    return "playlist_" + base64.b32encode(digest).decode().lower()[:12]


def merged_playlists(user, replicas):
    cloud = [p for replica in replicas if replica.is_cloud for p in replica.sections["playlists"]]
    local = [p for replica in replicas if not replica.is_cloud for p in replica.sections["playlists"]]
    versions = sorted(local + cloud, key=lambda p: p.get("updated_at", OLDEST), reverse=True)

    cloud_ids, by_client_id, by_name = set(), {}, defaultdict(list)
    for playlist in sorted(cloud, key=itemgetter("id")):
        client_ids = playlist.get("client_ids", [])
        cloud_ids.add(playlist["id"])
        for client_id in client_ids:
            by_client_id.setdefault(client_id, playlist["id"])
        if playlist["id"] not in [server_id(user, client_id) for client_id in client_ids]:
            by_name[playlist.get("name", "").strip()].append(playlist["id"])
    by_newest_name = {}
    for playlist in versions:
        name = playlist.get("name", "").strip()
        if name and len(by_name[name]) == 1:
            by_newest_name.setdefault(playlist["id"], by_name[name][0])

    groups, client_ids = defaultdict(list), defaultdict(set)
    for playlist in versions:
        own = playlist_id = playlist["id"]
        if own.startswith("pl_") and own not in cloud_ids:
            playlist_id = by_client_id.get(own) or by_newest_name.get(own) or server_id(user, own)
            client_ids[playlist_id].add(own)
        client_ids[playlist_id].update(playlist.get("client_ids", []))
        groups[playlist_id].append(playlist)
    result = [merged_playlist(key, groups[key], client_ids[key]) for key in sorted(groups)]
    return sorted(result, key=lambda p: p.get("created_at", OLDEST), reverse=True)


def merged_playlist(playlist_id, versions, client_ids):
    """`versions` of one playlist, newest first."""
    by_key, listed = {}, None
    for version in versions:
        if "songs" not in version:
            continue
        for key, song in {song_key(song): song for song in reversed(version["songs"])}.items():
            by_key.setdefault(key, []).append(song)
        listed = listed or list(dict.fromkeys(map(song_key, version["songs"])))
    listed = listed or []
    merged = {}
    for key, group in by_key.items():
        song = merged[key] = {name: value for older in reversed(group) for name, value in older.items()}
        if "addedAt" in song:
            song["addedAt"] = max(map(added, group))
    only_older = sorted(merged.keys() - set(listed))
    playlist = {name: value for older in reversed(versions) for name, value in older.items()}
    playlist["id"] = playlist_id
    playlist["songs"] = [merged[key] for key in listed + sorted(only_older, key=lambda key: added(merged[key]))]
    playlist["song_count"] = len(playlist["songs"])
    covers = next((v["cover_urls"] for v in versions if v.get("cover_urls")), None)
    playlist["cover_urls"] = covers or [song["artwork"] for song in playlist["songs"] if "artwork" in song][:4]
    playlist.setdefault("is_public", False)
    for name, choose in ("created_at", min), ("updated_at", max):
        if times := [version[name] for version in versions if name in version]:
            playlist[name] = choose(times)
    if client_ids:
        playlist["client_ids"] = sorted(client_ids)
    return playlist


def merged_preferences(replicas, is_cloud_stamped):
    """The preferences, and when they were decided."""
    cloud = next((replica for replica in replicas if replica.is_cloud), None)
    result, time, decided = dict(cloud.sections["preferences"]) if cloud else {}, None, set()
    for dump in replicas:
        if dump.is_cloud:
            continue
        accepted = not cloud or not is_cloud_stamped or dump.time >= cloud.time_of("preferences")
        for name, value in dump.sections["preferences"].items():
            if name not in decided and (accepted or name not in result):
                result[name] = value
            decided.add(name)
        if accepted and not time:
            time = dump.time
    return result, time or cloud and cloud.time_of("preferences")


def merged_searches(replicas):
    replicas = sorted(replicas, key=lambda replica: replica.time_of("recent_searches"), reverse=True)
    result = {}
    for replica in replicas:
        for search in map(str.strip, replica.sections["recent_searches"]):
            if search:
                result.setdefault(lowercase(search), search)
    return list(result.values())[:SEARCH_LIMIT], replicas[0].time_of("recent_searches")


def merged_document(stored, dumps, user, as_of):
    """The library after the merge, or None when its value would stay."""
    replicas = [Replica(sections(body), time) for time, _, body in sorted(dumps, key=itemgetter(0, 1), reverse=True)]
    stamps = {}
    if stored is not None:
        stamps = stored.get("section_updated_at") or {}
        updated_at = time(stored.get("updated_at"))
        is_ours = stamps.get("as_of") is not None and stamps["as_of"] == updated_at
        times = {s: time(stamps.get(s)) if is_ours else updated_at for s in ("queue", "preferences", "recent_searches")}
        replicas.append(Replica(stored, updated_at, {s: t for s, t in times.items() if t}))
        replicas.sort(key=lambda replica: replica.time or OLDEST, reverse=True)

    def having(name):
        return [replica for replica in replicas if name in replica.sections]

    new, decided = {}, {}
    if found := having("favorites"):
        new["favorites"] = merged_favorites(replica.sections["favorites"] for replica in found)
    totals = [count(replica.sections["total_songs_played"]) or 0 for replica in having("total_songs_played")]
    if found := having("history"):
        plays = merged_history(replica.sections["history"] for replica in found)
        new["history"] = plays[:HISTORY_LIMIT]
        totals.append(len(plays))
    if totals:
        new["total_songs_played"] = max(totals)
    if found := having("playlists"):
        new["playlists"] = merged_playlists(user, found)
    if found := having("queue"):
        new["queue"], decided["queue"] = merged_queue(found)
    if found := having("preferences"):
        new["preferences"], decided["preferences"] = merged_preferences(found, bool(stamps))
    if found := having("recent_searches"):
        new["recent_searches"], decided["recent_searches"] = merged_searches(found)

    if stored is None:
        stored = {"_id": bson.ObjectId(hashlib.sha256(user.encode()).digest()[:12]), "user_id": user}
    elif all(name in stored and stored[name] == value for name, value in new.items()):
        return None
    elif updated_at:
        as_of = max(as_of, updated_at + timedelta(milliseconds=1))
    decided = {name: time for name, time in decided.items() if time and time > OLDEST}
    return {**stored, **new, "section_updated_at": {**decided, "as_of": as_of}, "updated_at": as_of}


# --- Files


def parsed(text):
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # perhaps half a surrogate pair, of a name that was cut: it becomes U+FFFD
        repaired = json.dumps(json.loads(text), ensure_ascii=False).encode("utf-16", "surrogatepass")
        return orjson.loads(repaired.decode("utf-16", "replace"))


def sections(body):
    """The sections of a localStorage dump, under the library's names."""
    result = {}
    for name in "favorites", "history", "queue", "playlists", "recent_searches":
        text = body.get("tldr-" + name.replace("_", "-"))
        if text is not None:
            result[name] = parsed(text) if isinstance(text, str) else text
    preferences = {"shuffle": body.get("tldr-shuffle"), "repeat": body.get("tldr-repeat")}
    if isinstance(preferences["shuffle"], str):
        preferences["shuffle"] = preferences["shuffle"] == "true"
    if preferences := {name: value for name, value in preferences.items() if value is not None}:
        result["preferences"] = preferences
    result["total_songs_played"] = body.get("tldr-total-songs-played")
    return result


def dumps_by_user(paths, as_of):
    """For each user (export time, JSON text, parsed JSON) of each dump."""
    result = defaultdict(list)
    for path in paths:
        with open(path, "rb") as file:
            if file.read(4) == b"\x28\xb5\x2f\xfd":
                file.seek(0)
                archive = tarfile.open(fileobj=zstandard.ZstdDecompressor().stream_reader(file), mode="r|")
            else:
                archive = tarfile.open(path, "r:*")
            for entry in archive:
                if not entry.isfile() or not entry.name.endswith(".json"):
                    continue
                text = archive.extractfile(entry).read()
                body = parsed(text)
                user = body.get("user_id") or parsed(body.get("tldr-user") or "{}").get("id")
                exported = time(body.get("exported_at")) or time(round(entry.mtime * 1000))
                result[user or entry.name.split("/")[-2]].append((min(exported, as_of), text, body))
    return result


def places(store):
    """Where each document begins and ends."""
    result, start = [], 0
    while start < len(store):
        end = start + int.from_bytes(store[start : start + 4], "little")
        result.append((start, end))
        start = end
    return result


def merge_stretch(places, part):
    """Writes the documents at these places to a file of their own; who they are, and how many changed."""
    users, changed = [], 0
    with open(part, "wb", BUFFER) as file:
        for start, end in places:
            data = store[start:end]
            stored = bson.decode(data)
            user = stored["user_id"]
            document = merged_document(stored, dumps[user], user, as_of) if user in dumps else None
            file.write(bson.encode(document) if document else data)
            users.append(user)
            changed += document is not None
    return users, changed


def main():
    global store, dumps, as_of  # what the processes share, having been forked
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("inputs", nargs="+", metavar="INPUT")
    arguments.add_argument("--store", type=Path, required=True)
    arguments.add_argument("--as-of", type=int, required=True, help="milliseconds since 1970")
    arguments.add_argument("--processes", type=int, default=2)
    options = arguments.parse_args()
    path, as_of = options.store / "user_library.bson", time(options.as_of)
    clock = [perf_counter()]

    dumps = dumps_by_user(options.inputs, as_of)
    with open(path, "rb") as file:
        store = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    documents = places(store)
    clock.append(perf_counter())

    # Each process takes a stretch of the store, so that what they write only needs to be joined.
    stretch = -(-len(documents) // options.processes)
    parts = [(documents[i : i + stretch], path.with_name(f"part-{i}")) for i in range(0, len(documents), stretch)]
    gc.freeze()
    with multiprocessing.get_context("fork").Pool(options.processes) as pool:
        results = pool.starmap(merge_stretch, parts, chunksize=1)
    clock.append(perf_counter())

    newcomers = sorted(dumps.keys() - {user for users, _ in results for user in users})
    (_, new_path), *others = parts
    with open(new_path, "ab", BUFFER) as whole:
        for _, part in others:
            with open(part, "rb") as file:
                shutil.copyfileobj(file, whole, BUFFER)
            part.unlink()
        for user in newcomers:
            whole.write(bson.encode(merged_document(None, dumps[user], user, as_of)))
        whole.flush()
        clock.append(perf_counter())
        os.fsync(whole.fileno())
    os.rename(new_path, path)
    folder = os.open(options.store, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    clock.append(perf_counter())
    seconds = {name: round(b - a, 4) for name, a, b in zip(("read", "merge", "join", "fsync"), clock, clock[1:])}
    counts = {"users": len(dumps), "changed": sum(changed for _, changed in results) + len(newcomers)}
    print(json.dumps({**counts, "seconds": seconds}))


if __name__ == "__main__":
    main()
