"""A run's folder in which every part of a report occurs, with names that are out to break the page."""

import json
import math
import random

ID = "01KDXV0T8PQ2E2T1YH5Z6W3J9N"
# What a listener can write into a title, an artist, a path or a name.
NASTY = [
    "<script>window.broken = 1</script>",
    "\u0600<script>window.broken = 2</script>",
    "</script><script>window.broken = 3</script>",
    "<!--<script>window.broken = 4",
    "\" onmouseover=\"window.broken = 5",
    "\"\u0301 onmouseover=\"window.broken = 6",
    "<img src=x onerror=\"window.broken = 7\">",
    "{{title}}{{{body}}} &amp; \u202egnp.exe",
    "שלום עולם ٣ 音楽の日々をどこまでも続けていくための長い長い長い題名",
    "unbroken" * 24,
]


def manifest():
    random.seed(5)
    dumps = {"read": 128450, "used": 126902, "quarantined": 417, "skipped": 1131}
    entries = {
        "kept": 9120334, "merged": 4310221, "superseded": 182034, "beyond_limit": 61230, "removed": 8123,
        "quarantined": 942}
    entries["read"] = sum(entries.values())
    return {
        "manifest_version": 1, "run_id": ID, "job": "nightly", "version": "0.1.0", "host": "music-batch-3",
        "process": 4711, "store": "mongodb://batch@db-0.example.org,db-1.example.org/music",
        "parameters": {
            "sync.inputs": "/srv/music/inbox", "sync.mode": "merge", "sync.history-limit": "500",
            "sync.workers": "8", "sync.memory": "1GiB", "learn.half-life-days": "30", "report.title": NASTY[0],
        },
        "as_of": "2026-01-01T02:00:00.000Z", "started_at": "2026-01-01T02:00:14.120Z",
        "ended_at": "2026-01-01T02:07:02.300Z", "outcome": "done", "exit_status": 3,
        "bytes_read": 2943152011,
        "steps": [
            {"name": "setup", "outcome": "done", "exit_status": 0, "seconds": 1.1},
            {"name": "sync", "outcome": "done", "exit_status": 3, "seconds": 356.4},
            {"name": "learn", "outcome": "done", "exit_status": 0, "seconds": 48.1},
            {"name": "report", "outcome": "done", "exit_status": 0, "seconds": 0.4}],
        "inputs": [
            {"path": "/srv/music/inbox/2025-12-31/browsers-0.tar.zst", "bytes": 2943129000, "finished": True,
             "sha256": "24c3930b7dadec30f1f4151c106ad60f8d05c23a2aaeb2dacd6d02df58e32142"},
            {"path": "/srv/music/inbox/2025-12-31/4d1f6c1e.json", "bytes": 23011, "finished": True,
             "sha256": "9f583322adec30f1f4151c106ad60f8d05c23a2aaeb2dacd6d02df58e3214200"},
            {"path": "/srv/music/inbox/" + NASTY[6], "bytes": 0, "finished": False},
        ],
        "counts": {"dumps": dumps, "entries": entries},
        "users": {"seen": 61204, "changed": 52210, "unchanged": 7119, "created": 1867, "left": 8},
        "quarantine": {
            "invalid-json": 311, "truncated": 4, "no-user": 102, "invalid-field": 690, "future-time": 240,
            "invalid-section": 12},
        "left": {"document-too-large": 2, "conflict": 6},
        "changed_fields": {
            "favorites": 31002, "history": 52011, "playlists": 18020, "preferences": 9011, "queue": 44120,
            "recent_searches": 39001, "removed": 811, "total_songs_played": 51200},
        "spilled_runs": 3,
        "seconds": {"read": 92.4, "merge": 251.8, "commit": 12.2, "total": 408.18},
        "peak_memory_bytes": 1130389632,
    }


def report(named):
    random.seed(7)
    days = []
    for day in range(366):
        season = 1 + 0.25 * math.sin(day / 58)
        weekend = 1.3 if (day + 3) % 7 in (4, 5) else 1
        days.append(int(9000 * season * weekend * random.uniform(0.88, 1.12)))
    days[-1] = 1204
    week = []
    for weekday in range(7):
        for hour in range(24):
            evening = math.exp(-((hour - 20) ** 2) / 18) + 0.55 * math.exp(-((hour - 8.5) ** 2) / 5)
            week.append(int(42000 * evening * (1.25 if weekday >= 4 else 1) * random.uniform(0.9, 1.1)) + 400)
    titles = [
        "Tum Hi Ho", "Blinding Lights", "Kesariya", "Naatu Naatu", "Shape of You", "Apna Bana Le", "As It Was",
        "Chaleya", "Flowers", "Heeriye", "Anti-Hero", "Maan Meri Jaan", "Calm Down", "Raatan Lambiyan", "Starboy"]
    songs = []
    for place, title in enumerate(titles + NASTY):
        songs.append({
            "title": title, "artist": NASTY[place % len(NASTY)] if place > 14 else "An Artist of the Time",
            "plays": int(90210 / (place + 1) ** 0.7), "listeners": int(40210 / (place + 1) ** 0.75)})
    def shares(dimension, names, drift=True):
        weights = [1 / (place + 1.2) for place in range(len(names))]
        values = [
            {"name": name, "share": weight / sum(weights), **(
                {"before": weight / sum(weights) + random.uniform(-0.012, 0.012)} if drift else {})}
            for name, weight in zip(names, weights)]
        return {"dimension": dimension, "users": 58211, "values": values} if drift else {
            "dimension": dimension, "values": values}
    languages = ["hi", "en", "pa", "ta", "te", "bn", "mr", "kn", "ml", "gu", "ur"]
    genres = ["bollywood", "pop", "hip-hop", "indie", "devotional", "rock", "ghazal", "electronic", NASTY[0]]
    moods = ["romantic", "energetic", "calm", "sad", "party", "focus"]
    steps = int(251.8)
    seconds = [92.4 + 1.0 * step for step in range(0, steps, 2)]
    users, total = [], 0
    for step, _ in enumerate(seconds):
        users.append(total)
        total += int(470 + 90 * math.sin(step / 9) + random.uniform(-60, 60)) - (240 if 60 < step < 66 else 0)
    people = []
    if named:
        for number, name in enumerate(["4d1f6c1e-0dec", "3e6b5f5c-c85f", NASTY[2], "b9644fe2-\u0600<b>"]):
            order = languages[number:] + languages[:number]
            people.append({
                "id": name, "confidence": {"language": 0.93, "genre": 0.9, "mood": 0.71 - number / 10},
                "affinities": [
                    shares("language", order, False), shares("genre", genres[::-1], False),
                    shares("mood", moods, False)]})
    return {
        "report_version": 1, "named_users": named, "throughput": {"seconds": seconds, "users": users},
        "plays": {
            "first_day": 20454 - 365, "by_day": days, "by_weekday_hour": week, "listeners": 60012, "top_songs": songs},
        "learned": [
            {"name": "Statistics written", "value": "53,118"}, {"name": "Scores written", "value": "53,118"},
            {"name": "Songs in the catalogue", "value": "412,090"}, {"name": "Plays archived", "value": "1,204,331"}],
        "population": [shares("language", languages), shares("genre", genres), shares("mood", moods)],
        "users": people,
        "tables": [
            {"heading": "Evaluation", "caption": "nDCG@5 of the ranking, 7 days after the cut",
             "introduction": "Judged on plays after the cut, which no score has seen. 4,012 users.",
             "columns": ["Dimension", "Scores", "Popularity", "Undecayed", "Last 50"], "first_number": 1,
             "rows": [
                 ["Language", "0.941", "0.702", "0.921", "0.935"], ["Genre", "0.873", "0.611", "0.842", "0.866"],
                 ["Mood", "0.791", "0.580", "0.760", "0.788"], [NASTY[0], "–", "–", "–", "–"]]},
        ],
    }


def quarantine():
    lines = []
    for reason in manifest()["quarantine"]:
        for number in range(5):
            user = None if reason in ("invalid-json", "no-user", "truncated") else f"secret-user-{number}"
            lines.append({
                "run_id": ID,
                "source": {
                    "input": "/srv/music/inbox/2025-12-31/browsers-0.tar.zst",
                    "entry": f"secret-user-{number}/device_{number}{NASTY[number % 7] if number == 3 else ''}.json",
                    "line": number if number % 2 else None},
                "user_id": user, "section": "history" if user else None, "index": number if user else None,
                "reason": reason, "detail": f"why it is so, {NASTY[0] if number == 1 else 'in words'}",
                "size": 100, "offset": 17, "raw": {"title": NASTY[0]} if user else None})
    return lines


def write(folder, named):
    """Makes the folder of a run, without its page."""
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(manifest()))
    (folder / "report.json").write_text(json.dumps(report(named)))
    with open(folder / "quarantine.ndjson", "w") as file:
        for line in quarantine():
            file.write(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n")
