#!/usr/bin/env python3
"""Learning, written from docs/learning.md alone: simple, slow, and an oracle for the real one.

    learning_reference.py --store DIR --as-of MS [--timezone ZONE] [--out FILE.json]

Reads `user_library.bson`, `play_archive.bson` and `users.bson` of a directory store and prints what a full run makes of
them: `songs`, `user_stats`, `user_scores`, `service_stats` and `population`. Everything is in memory, every figure is
counted anew from the plays that it is about. Where the page leaves room, a comment beginning `Reading:` says which
way this program goes. Numbers in brackets stand for its sections (4.1 the play archive, 4.2 the catalogue, 4.3 what a
play says, 4.4 statistics, 4.5 affinities, 4.6 judged).

Of the other reference it borrows the BSON codec and the normal form of entries (docs/dumps.md).
"""
import argparse
import collections
import datetime
import json
import math
import os
import sys
import zoneinfo

import mixdown_reference as ref

DAY = 86_400_000
DIMENSIONS = {"language": "languages", "genre": "genres", "mood": "moods"}

PARAMETERS = {
    "half_life_days": 30.0,
    "prior_weight": {"language": 2.0, "genre": 7.0, "mood": 5.0},
    "explicit_weight": 0.25,
    "favorite_weight": 1.0,
    "unknown_weight": 0.25,
    "liked_above": 0.7,
    "skipped_below": 0.3,
}


class Foreign(Exception):
    """A document without the shape it should have: it costs its user."""


# ---------------------------------------------------------------------------------------------------------------------
# What the store holds


def documents(store, collection):
    return [document for document, _ in ref.read_store(os.path.join(store, collection + ".bson"))]


def entries(document, field, kind):
    """The usable entries of a list in normal form [1.1]."""
    values = document.get(field)
    if values is None:
        return []
    if not isinstance(values, list):
        raise Foreign(field)
    result = []
    for value in values:
        if value is None:
            continue
        try:
            result.append(ref.checked(kind, value, None))
        except ref.Quarantined:
            pass
    return result


def usable(name):
    """[4.2] What holds U+0000 is dropped."""
    return isinstance(name, str) and name != "" and "\0" not in name


def without_nul(entry):
    """An entry as counting sees it: without what [4.2] drops.

    Reading: a list that names nothing is lacking, as `null` is.
    """
    entry = dict(entry)
    if "language" in entry and not usable(entry["language"]):
        del entry["language"]
    for field in ("genres", "moods"):
        if field in entry:
            names = list(dict.fromkeys(name for name in entry[field] if usable(name)))
            if names:
                entry[field] = names
            else:
                del entry[field]
    return entry


class User:
    def __init__(self, name):
        self.name = name
        self.plays, self.favorites, self.total = [], [], None
        self.has_library = False
        self.zones = []
        self.choices = {dimension: [] for dimension in DIMENSIONS}


def read_users(store):
    """The users by id; those with a document of a foreign shape are left out."""
    users, foreign = {}, set()

    def user(name):
        return users.setdefault(name, User(name))

    accounts = {d.get("id"): d for d in documents(store, "users") if isinstance(d.get("id"), str)}
    for name, account in accounts.items():
        zone = account.get("timezone")
        if isinstance(zone, str) and zone:
            user(name).zones.append(zone)
        user(name).choices = choices(account)
    for library in documents(store, "user_library"):
        it = user(library["user_id"])
        it.has_library = True
        try:
            it.plays += entries(library, "history", "history")
            it.favorites += entries(library, "favorites", "favorites")
        except Foreign:
            foreign.add(it.name)
        it.total = ref.total(library.get("total_songs_played"))
        zone = library.get("timezone")
        if isinstance(zone, str) and zone:
            it.zones.append(zone)
    for month in documents(store, "play_archive"):
        it = user(month["user_id"])
        try:
            plays = entries(month, "plays", "history")
        except Foreign:
            foreign.add(it.name)
            continue
        it.plays += plays
        it.has_library = it.has_library or bool(plays)
    return {name: it for name, it in users.items() if name not in foreign}


def choices(account):
    """[4.5] Field by field, `explicit_preferences` where it has the array, else `onboarding`."""
    result = {}
    for dimension, field in DIMENSIONS.items():
        result[dimension] = []
        for source in ("explicit_preferences", "onboarding"):
            document = account.get(source)
            if isinstance(document, dict) and isinstance(document.get(field), list):
                result[dimension] = list(dict.fromkeys(name for name in document[field] if usable(name)))
                break
    return result


# ---------------------------------------------------------------------------------------------------------------------
# 4.1, 4.2


def merged_plays(plays, key):
    """[4.1] By (song key, playedAt): `completionRate` the greatest, every other field the greater bytes."""
    groups = collections.defaultdict(list)
    for play in plays:
        groups[key(play), play["playedAt"].ms].append(play)
    result = []
    for group in groups.values():
        play = {}
        for version in group:
            for field, value in version.items():
                if field not in play:
                    play[field] = value
                elif field == "completionRate":
                    play[field] = max(play[field], value)
                elif ref.greater_bytes(value) > ref.greater_bytes(play[field]):
                    play[field] = value
        result.append(play)
    return result


def merged_favorites(favorites, key):
    """[2.1] Entries with the same song key are one favourite."""
    groups = collections.defaultdict(list)
    for favorite in favorites:
        groups[key(favorite)].append(favorite)
    result = []
    for group in groups.values():
        best = {}
        for entry in group:
            for field, value in entry.items():
                rank = (ref.added(entry), ref.greater_bytes(value))
                if field not in best or rank > best[field][0]:
                    best[field] = (rank, value)
        result.append({field: value for field, (_, value) in best.items()})
    return result


class Vote:
    """Who names a value."""

    def __init__(self):
        self.voters = collections.defaultdict(set)

    def cast(self, user, value):
        self.voters[value].add(user)

    def winner(self):
        """Most votes, ties by greater bytes."""
        if not self.voters:
            return None
        return max(self.voters, key=lambda value: (len(self.voters[value]), ref.greater_bytes(value)))

    def third(self):
        """Every value voted for by at least a third of the users who name any, ascending."""
        anybody = set().union(*self.voters.values()) if self.voters else set()
        return sorted((v for v, who in self.voters.items() if 3 * len(who) >= len(anybody)), key=str.encode)


def catalogue_of(users, counted, key):
    """[4.2] `counted`: user id -> (plays, favourites)."""
    songs = {}
    for name in users:
        plays, favorites = counted[name]
        for entry in plays + favorites:
            song = songs.setdefault(key(entry), {"votes": collections.defaultdict(Vote), "listeners": set(), "plays": 0, "completed": 0})
            entry = without_nul(entry)
            for field in ("title", "artist", "artwork", "language"):
                if field in entry:
                    song["votes"][field].cast(name, entry[field])
            if "duration" in entry:
                song["votes"]["duration"].cast(name, float(entry["duration"]) + 0.0)
            for field in ("genres", "moods"):
                for value in entry.get(field, []):
                    song["votes"][field].cast(name, value)
        for play in plays:
            song = songs[key(play)]
            song["listeners"].add(name)
            song["plays"] += 1
            song["completed"] += verdict(play) == "liked"
    result = {}
    for name, song in songs.items():
        entry = {field: song["votes"][field].winner() for field in ("title", "artist", "artwork", "duration", "language")}
        entry = {field: value for field, value in entry.items() if value is not None}
        entry["genres"], entry["moods"] = song["votes"]["genres"].third(), song["votes"]["moods"].third()
        entry.update(listeners=len(song["listeners"]), plays=song["plays"], completed=song["completed"])
        result[name] = entry
    return result


def resolution_of(catalogue):
    """[4.2] `t:` keys with the lowercase title and artist of exactly one `v:` song."""
    named = collections.defaultdict(list)
    for key, song in catalogue.items():
        if key.startswith("v:") and "title" in song:
            named["t:" + ref.lowercase(song["title"]) + "\x1f" + ref.lowercase(song.get("artist", ""))].append(key)
    return {plain: songs[0] for plain, songs in named.items() if len(songs) == 1}


# ---------------------------------------------------------------------------------------------------------------------
# 4.3


def verdict(play):
    rate = play.get("completionRate")
    if rate is None or rate == 0:
        return "unknown"
    if rate > PARAMETERS["liked_above"]:
        return "liked"
    if rate < PARAMETERS["skipped_below"]:
        return "skipped"
    return "heard"


# ---------------------------------------------------------------------------------------------------------------------
# A run


class Learning:
    def __init__(self, store, as_of, zone="UTC"):
        self.as_of, self.job_zone = as_of, zone
        self.users = read_users(store)
        self.unknown_zones = {}
        resolution = {}

        def key(entry):
            plain = ref.song_key(entry)
            return resolution.get(plain, plain)

        self.key = key
        # Twice: votes that join a song through its `t:` key cannot change which key that is.
        for _ in range(2):
            self.counted, voting = {}, {}
            for name, user in self.users.items():
                plays = merged_plays(user.plays, key)
                own = merged_favorites(user.favorites, ref.song_key)
                due = [f for f in own if ref.added(f) <= as_of]
                later = [f for f in own if ref.added(f) > as_of]
                counted_favorites = merged_favorites(due, key)
                user.all_plays, user.all_favorites = plays, counted_favorites + later
                counted_plays = [p for p in plays if p["playedAt"].ms <= as_of]
                self.counted[name] = (counted_plays, counted_favorites)
                # Each of the user's own favourites has its say.
                voting[name] = (counted_plays, due)
            self.catalogue = catalogue_of(self.users, voting, key)
            if not resolution:
                resolution = resolution_of(self.catalogue)
        self.population = self.make_population()

    def complete(self, entry):
        """An entry with what the catalogue knows and it does not. Reading: title and artist are the catalogue's."""
        entry, song = without_nul(entry), self.catalogue.get(self.key(entry), {})
        result = {k: v for k, v in song.items() if k in ("title", "artist", "language", "duration")}
        for field in ("genres", "moods"):
            if song.get(field):
                result[field] = song[field]
        for field in ("language", "duration", "genres", "moods"):
            if field in entry:
                result[field] = entry[field]
        for field in ("playedAt", "addedAt", "completionRate", "source"):
            if field in entry:
                result[field] = entry[field]
        result["key"] = self.key(entry)
        return result

    def plays_of(self, name, as_of=None):
        as_of = self.as_of if as_of is None else as_of
        return [self.complete(p) for p in self.users[name].all_plays if p["playedAt"].ms <= as_of]

    def favorites_of(self, name):
        return [self.complete(f) for f in self.counted[name][1]]

    def zone_of(self, name):
        for zone in self.users[name].zones:
            try:
                return zone, zoneinfo.ZoneInfo(zone)
            except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
                self.unknown_zones[name] = zone
                break
        return self.job_zone, zoneinfo.ZoneInfo(self.job_zone)

    # --- 4.4

    def user_stats(self, name):
        user, (zone_name, zone) = self.users[name], self.zone_of(name)
        plays = self.plays_of(name)
        result = {"user_id": name}
        first = first_plays(plays)
        for title, days in (("week", 7), ("month", 30), ("year", 365), ("all_time", None)):
            begin = -math.inf if days is None else self.as_of - days * DAY
            inside = [p for p in plays if begin < p["playedAt"].ms <= self.as_of]
            figures = self.figures(inside, first, lambda t: begin < t <= self.as_of)
            hours = [0] * 168
            for play in inside:
                moment = local(play["playedAt"].ms, zone)
                hours[moment.weekday() * 24 + moment.hour] += 1
            figures["by_hour"] = [sum(hours[hour::24]) for hour in range(24)]
            figures["by_weekday"] = [sum(hours[day * 24 : day * 24 + 24]) for day in range(7)]
            figures["by_weekday_hour"] = hours
            result[title] = figures
        times = sorted(p["playedAt"].ms for p in plays)
        if times:
            result["first_play"], result["last_play"] = ref.Date(times[0]), ref.Date(times[-1])
        active = {local(t, zone).date() for t in times}
        result["active_days"] = len(active)
        result["longest_streak_days"] = max((streak_back_from(day, active) for day in active), default=0)
        sessions = []
        for time in times:
            if sessions and time - sessions[-1][-1] <= 30 * 60_000:
                sessions[-1].append(time)
            else:
                sessions.append([time])
        result["listening_sessions"] = len(sessions)
        result["longest_session_plays"] = max(map(len, sessions), default=0)
        result["plays_by_month"] = [
            {"month": month, "plays": len(group), "liked": liked(group)}
            for month, group in sorted(grouped(plays, lambda p: [local(p["playedAt"].ms, zone).strftime("%Y-%m")]).items())
        ]
        if user.total:
            result["coverage"] = min(1.0, len(plays) / user.total)
        result.update(self.clocked(name, self.as_of, zone))
        result["forgotten_favorites"] = [self.song_row(key, group) for key, group in result["forgotten_favorites"]]
        result.update(as_of=ref.Date(self.as_of), computed_at=ref.Date(self.as_of), timezone=zone_name)
        stale = self.stale_after(name, zone)
        if stale is not None:
            result["stale_after"] = ref.Date(stale)
        return result

    def clocked(self, name, as_of, zone):
        """The figures of one user that change with the clock alone, besides the ranges."""
        plays = self.plays_of(name, as_of)
        today = local(as_of, zone).date()
        by_day = grouped(plays, lambda p: [local(p["playedAt"].ms, zone).date()])
        one = datetime.timedelta(days=1)
        end = today if today in by_day else today - one
        songs = grouped(plays, lambda p: [p["key"]])
        forgotten = [
            (key, group)
            for key, group in songs.items()
            if liked(group) >= 3 and not any(as_of - 90 * DAY < p["playedAt"].ms for p in group)
        ]
        forgotten.sort(key=lambda x: (-liked(x[1]), x[0].encode()))
        return {
            "current_streak_days": streak_back_from(end, by_day.keys()),
            "plays_by_day": [
                {"day": day.isoformat(), "plays": len(group), "liked": liked(group)}
                for day, group in sorted(by_day.items())
                if today - 365 * one <= day <= today
            ],
            "forgotten_favorites": forgotten[:20],
        }

    def stale_after(self, name, zone):
        """Tries every instant at which anything could change, in order, until something does."""
        user = self.users[name]
        times = [p["playedAt"].ms for p in user.all_plays]
        instants = {t + n * DAY for t in times for n in (7, 30, 90, 365)}
        instants |= {t for t in times} | {ref.added(f) for f in user.all_favorites}
        # Midnights: of every play's day a year and a day later, and of the days after today.
        today = local(self.as_of, zone).date()
        days = {local(t, zone).date() + datetime.timedelta(days=366) for t in times}
        days |= {today + datetime.timedelta(days=n) for n in (1, 2, 3)}
        instants |= {begin_of(day, zone) for day in days}

        def figures(as_of):
            clocked = self.clocked(name, as_of, zone)
            clocked["forgotten_favorites"] = [key for key, _ in clocked["forgotten_favorites"]]
            clocked["favorites"] = sum(ref.added(f) <= as_of for f in user.all_favorites)
            clocked["ranges"] = [
                sorted((t for t in times if as_of - n * DAY < t <= as_of)) for n in (7, 30, 365, 10**6)
            ]
            return clocked

        now = figures(self.as_of)
        result = next((t for t in sorted(instants) if t > self.as_of and figures(t) != now), None)
        # Reading: the bound is taken for the drift, and only where there is evidence that decays.
        if any(self.evidence(name, dimension, PARAMETERS["half_life_days"])[1] > 0 for dimension in DIMENSIONS):
            drift = 4 * PARAMETERS["half_life_days"] / math.log(2) * math.atanh(0.02) * DAY
            drift = self.as_of + math.floor(drift) + 1
            result = drift if result is None else min(result, drift)
        return result

    def song_row(self, key, plays):
        song = self.catalogue[key]
        row = {"key": key, "plays": len(plays), "liked": liked(plays), "last_played": ref.Date(max(p["playedAt"].ms for p in plays))}
        return {**row, **{field: song[field] for field in ("title", "artist") if field in song}}

    def figures(self, plays, first, is_inside):
        """The figures and lists of a range."""
        verdicts = collections.Counter(map(verdict, plays))
        songs = grouped(plays, lambda p: [p["key"]])
        known = sorted(p["completionRate"] for p in plays if verdict(p) != "unknown")
        timed = [p["completionRate"] * float(p["duration"]) for p in plays if verdict(p) != "unknown" and "duration" in p]
        artists = grouped(plays, lambda p: [ref.lowercase(p["artist"])] if "artist" in p else [])
        result = {
            "plays": len(plays),
            "liked": verdicts["liked"],
            "skipped": verdicts["skipped"],
            "unknown": verdicts["unknown"],
            "distinct_songs": len(songs),
            "distinct_artists": len(artists),
            "new_songs": sum(1 for time in first.values() if is_inside(time)),
            "seconds_listened": math.fsum(timed),
            "plays_timed": len(timed),
        }
        if plays:
            result["repeat_rate"] = 1 - len(songs) / len(plays)
        if known:
            middle = len(known) // 2
            result["mean_completion"] = math.fsum(known) / len(known)
            result["median_completion"] = known[middle] if len(known) % 2 else (known[middle - 1] + known[middle]) / 2
        rows = [self.song_row(key, group) for key, group in songs.items()]
        rows.sort(key=lambda row: (-row["plays"], -row["liked"], row["key"].encode()))
        result["top_songs"] = rows[:50]
        named = {}
        for group in artists.values():
            spellings = collections.Counter(p["artist"] for p in group)
            named[max(spellings, key=lambda s: (spellings[s], ref.greater_bytes(s)))] = group
        result["top_artists"] = ranked(named, 50)
        for field, title, limit in (("language", "top_languages", 20), ("genres", "top_genres", 20), ("moods", "top_moods", 20), ("source", "sources", None)):
            result[title] = ranked(grouped(plays, lambda p: values(p, field)), limit)
        return result

    def service_stats(self):
        zone = zoneinfo.ZoneInfo(self.job_zone)
        plays, days_of = [], {}
        for name in self.users:
            mine = self.plays_of(name)
            plays += mine
            days_of[name] = {local(p["playedAt"].ms, zone).date() for p in mine}
        first = first_plays(plays)
        result = {}
        for day, group in grouped(plays, lambda p: [local(p["playedAt"].ms, zone).date()]).items():
            document = {"day": day.isoformat()}
            document.update(self.figures(group, first, lambda t: local(t, zone).date() == day))
            document["by_hour"] = [0] * 24
            for play in group:
                document["by_hour"][local(play["playedAt"].ms, zone).hour] += 1
            document["active_users"] = {
                title: sum(1 for days in days_of.values() if any(0 <= (day - d).days < length for d in days))
                for title, length in (("day", 1), ("week", 7), ("month", 30))
            }
            document["as_of"] = ref.Date(self.as_of)
            result[document["day"]] = document
        return result

    # --- 4.5

    def evidence(self, name, dimension, half_life):
        """E(a) of each value, ΣE, and the counts of each value."""
        plays, favorites = self.plays_of(name), self.favorites_of(name)
        field = {"language": "language", "genre": "genres", "mood": "moods"}[dimension]
        dated = [p["playedAt"].ms for p in plays] + [f["addedAt"].ms for f in favorites if "addedAt" in f]
        weights, counts = collections.defaultdict(list), collections.defaultdict(collections.Counter)

        def add(entry, weight, time, count):
            age = max(0, self.as_of - time) / DAY
            carried = values(entry, field)
            for value in carried:
                counts[value][count] += 1
                if weight > 0:
                    weights[value].append(weight / len(carried) * 2 ** (-age / half_life))

        for play in plays:
            what = verdict(play)
            weight = {"liked": 1.0, "unknown": PARAMETERS["unknown_weight"]}.get(what, 0.0)
            add(play, weight, play["playedAt"].ms, what)
        for favorite in favorites:
            time = favorite["addedAt"].ms if "addedAt" in favorite else min(dated, default=self.as_of)
            add(favorite, PARAMETERS["favorite_weight"], time, "favorites")
        weights = {value: math.fsum(terms) for value, terms in weights.items()}
        return weights, math.fsum(weights.values()), counts

    def make_population(self):
        result = {}
        for dimension in DIMENSIONS:
            shares, users = collections.defaultdict(list), 0
            for name in self.users:
                weights, total, _ = self.evidence(name, dimension, math.inf)
                if total > 0:
                    users += 1
                    for value, weight in weights.items():
                        shares[value].append(weight / total)
            result[dimension] = {
                "dimension": dimension,
                "shares": {value: math.fsum(terms) / users for value, terms in shares.items()},
                "users": users,
                "as_of": ref.Date(self.as_of),
            }
        return result

    def user_scores(self, name):
        choices = self.users[name].choices
        result = {
            "user_id": name,
            "implicit_affinities": {},
            "explicit_preferences": {DIMENSIONS[dimension]: choices[dimension] for dimension in DIMENSIONS},
            "confidence": {},
            "evidence": {},
            "parameters": PARAMETERS,
            "as_of": ref.Date(self.as_of),
            "last_computed": ref.Date(self.as_of),
        }
        for dimension in DIMENSIONS:
            affinity, prior, weights, total, counts = self.affinity(name, dimension)
            m = PARAMETERS["prior_weight"][dimension]
            ranking = sorted(affinity, key=lambda a: (-round(affinity[a], 12), a.encode()))
            kept = [
                a
                for rank, a in enumerate(ranking)
                if rank < 20 or a in choices[dimension] or weights.get(a, 0) > 0.01 * total
            ]
            result["implicit_affinities"][dimension + "_affinity"] = {a: affinity[a] for a in kept}
            result["confidence"][dimension] = total / (total + m)
            result["evidence"][dimension] = {
                a: {
                    **{count: counts[a][count] for count in ("liked", "skipped", "unknown", "favorites")},
                    "weight": weights.get(a, 0.0),
                    "prior": prior[a],
                }
                for a in kept
            }
        return result

    def affinity(self, name, dimension):
        weights, total, counts = self.evidence(name, dimension, PARAMETERS["half_life_days"])
        chosen, shares = self.users[name].choices[dimension], self.population[dimension]["shares"]
        weight = 1.0 if not shares else PARAMETERS["explicit_weight"] if chosen else 0.0
        m = PARAMETERS["prior_weight"][dimension]
        prior = {
            a: (1 - weight) * shares.get(a, 0.0) + weight * (1 / len(chosen) if a in chosen else 0.0)
            for a in set(shares) | set(chosen) | set(weights)
        }
        affinity = {a: (weights.get(a, 0.0) + m * prior[a]) / (total + m) for a in prior}
        return affinity, prior, weights, total, counts

    # --- All of it

    def collections(self):
        with_library = [name for name, user in self.users.items() if user.has_library]
        with_scores = [n for n, u in self.users.items() if u.has_library or any(u.choices.values())]
        songs = {key: {"key": key, **song, "as_of": ref.Date(self.as_of)} for key, song in self.catalogue.items()}
        return {
            "songs": songs,
            "user_stats": {name: self.user_stats(name) for name in with_library},
            "user_scores": {name: self.user_scores(name) for name in with_scores},
            "service_stats": self.service_stats(),
            "population": self.population,
        }


# ---------------------------------------------------------------------------------------------------------------------
# Small things


def local(ms, zone):
    """The wall clock at an instant; what is below a second does not matter to any figure."""
    return datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc).astimezone(zone)


def begin_of(day, zone):
    """The first millisecond of a local day, by halving."""
    noon = datetime.datetime.combine(day, datetime.time(12), datetime.timezone.utc)
    low, high = int(noon.timestamp()) - 48 * 3600, int(noon.timestamp()) + 48 * 3600
    while high - low > 1:
        middle = (low + high) // 2
        if local(middle * 1000, zone).date() < day:
            low = middle
        else:
            high = middle
    return high * 1000


def streak_back_from(day, days):
    length = 0
    while day in days:
        day, length = day - datetime.timedelta(days=1), length + 1
    return length


def values(entry, field):
    value = entry.get(field)
    return [] if value is None else value if isinstance(value, list) else [value]


def grouped(plays, keys):
    result = collections.defaultdict(list)
    for play in plays:
        for key in keys(play):
            result[key].append(play)
    return result


def liked(plays):
    return sum(verdict(play) == "liked" for play in plays)


def first_plays(plays):
    return {key: min(p["playedAt"].ms for p in group) for key, group in grouped(plays, lambda p: [p["key"]]).items()}


def ranked(groups, limit):
    """`{name, plays, liked, last_played}`, by plays, then liked, then name."""
    rows = [
        {"name": name, "plays": len(group), "liked": liked(group), "last_played": ref.Date(max(p["playedAt"].ms for p in group))}
        for name, group in groups.items()
    ]
    rows.sort(key=lambda row: (-row["plays"], -row["liked"], row["name"].encode()))
    return rows[:limit]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", required=True)
    parser.add_argument("--as-of", required=True, type=int, help="milliseconds since 1970")
    parser.add_argument("--timezone", default="UTC")
    parser.add_argument("--out", help="default: the standard output")
    options = parser.parse_args()
    learned = Learning(options.store, options.as_of, options.timezone).collections()
    out = open(options.out, "w", encoding="utf-8") if options.out else sys.stdout
    json.dump(ref.plain(learned), out, ensure_ascii=False, indent=1)
    print(file=out)


if __name__ == "__main__":
    main()
