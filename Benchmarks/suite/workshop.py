"""What the suite needs on disk: built programs, the rival's environment, data, and stores to work on."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
BLOCK = 1 << 20


def say(text):
    print(text, file=sys.stderr, flush=True)


def built_mixdown():
    """The newest release binary of this checkout."""
    found = [*HERE.parent.glob(".build/release/mixdown"), *HERE.parent.glob(".build/*/release/mixdown")]
    if not found:
        sys.exit("no release binary: run `MIXDOWN_BENCHMARKS=1 swift build -c release` first, or name one with --mixdown")
    return max(found, key=lambda path: path.stat().st_mtime)


def compiled(name, folder, flags):
    """A C program of `rivals/`, compiled when it is newer than what is there."""
    source = HERE / "rivals" / f"{name}.c"
    target = folder / (f"{name}.so" if "-shared" in flags else name)
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cc", "-O2", "-o", target, source, *flags], check=True)
    return target


def python_environment(folder, pinned="requirements.txt"):
    """The interpreter of an environment with what the file pins; made when it is not there."""
    requirements = HERE / pinned
    stamp, digest = folder / "requirements.sha256", hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        say(f"making an environment of {pinned}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([folder / "bin/python", "-m", "pip", "-q", "install", "-r", requirements], check=True)
        stamp.write_text(digest)
    return folder / "bin/python"


class Data:
    """A folder with `cloud/`, a store, and `exports/`, the inputs."""

    def __init__(self, folder):
        self.folder = folder
        self.inputs = sorted(path for path in (folder / "exports").iterdir() if path.is_file())
        self.store_files = sorted(path for path in (folder / "cloud").iterdir() if path.is_file())
        self.store = folder / "cloud" / "user_library.bson"
        if not self.inputs or not self.store.exists():
            sys.exit(f"{folder}: needs exports/ with archives, and cloud/user_library.bson")
        self.users = self.counted_users()
        self.before = self.state()

    @classmethod
    def generated(cls, mixdown, folder, users, seed, profile):
        """The data for these settings, generated when it is not there."""
        target = folder / f"{profile}-{users}-{seed}"
        if not target.exists():
            say(f"generating {users} users")
            partial = target.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.parent.mkdir(parents=True, exist_ok=True)
            options = ["--profile", profile, "--users", str(users), "--seed", str(seed), "--out", partial]
            subprocess.run([mixdown, "generate", *options], check=True, stdout=subprocess.DEVNULL)
            partial.rename(target)
        return cls(target)

    def counted_users(self):
        """How many documents the store holds."""
        known = self.folder / "users.count"
        if known.exists():
            return int(known.read_text())
        count = place = 0
        with open(self.store, "rb") as file:
            while head := os.pread(file.fileno(), 4, place):
                place += int.from_bytes(head, "little")
                count += 1
        known.write_text(str(count))
        return count

    def state(self):
        return [(path.stat().st_size, path.stat().st_mtime_ns) for path in self.store_files]

    def link_store(self, folder):
        """A new store with the same content. The files are hard links: every run reads the same cached pages, and a
        store's files are only ever replaced."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for path in self.store_files:
            os.link(path, folder / path.name)

    def check(self):
        if self.state() != self.before:
            sys.exit(f"{self.folder}: a program wrote into the store's files instead of replacing them")


def settle(files, cold):
    """Everything dirty is on disk, and these files are in the page cache, or with `cold` are not."""
    os.sync()
    block = bytearray(BLOCK)
    for path in files:
        with open(path, "rb", buffering=0) as file:
            if cold:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            else:
                while file.readinto(block):
                    pass
