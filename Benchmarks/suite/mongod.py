"""A MongoDB server for measuring: one node of a replica set, in a folder that can be copied."""

import os
import shutil
import signal
import socket
import subprocess
import time

from suite.workshop import HERE, say

TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One server; `folder` is its data."""

    def __init__(self, folder, port, cache_gigabytes):
        # Not needed by the rest of the suite.
        from pymongo import MongoClient

        self.folder, self.port = folder, port
        self.program = subprocess.run([HERE.parent / ".ci/mongod"], check=True, stdout=subprocess.PIPE, text=True)
        folder.mkdir(parents=True, exist_ok=True)
        options = ["--replSet", "rs", "--bind_ip", "127.0.0.1", "--port", str(port), "--dbpath", str(folder)]
        options += ["--nounixsocket", "--wiredTigerCacheSizeGB", str(cache_gigabytes), "--logpath", f"{folder}.log"]
        self.process = subprocess.Popen(
            [self.program.stdout.strip(), *options], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        self.client = MongoClient("127.0.0.1", port, directConnection=True)

    def initiate(self):
        member = {"_id": 0, "host": f"127.0.0.1:{self.port}"}
        self.client.admin.command("replSetInitiate", {"_id": "rs", "members": [member]})
        return self.ready()

    def ready(self):
        """Waits until it takes writes."""
        while not self.client.admin.command("hello").get("isWritablePrimary"):
            time.sleep(0.1)
        return self

    @property
    def address(self):
        return f"mongodb://127.0.0.1:{self.port}/music?replicaSet=rs"

    @property
    def figures(self):
        """Processor seconds, bytes that came in, and operations so far."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        status = self.client.admin.command("serverStatus")
        counters = status["opcounters"]
        return {
            "server_cpu": (int(fields[11]) + int(fields[12])) / TICKS,
            "bytes_in": status["network"]["bytesIn"],
            "writes": counters["insert"] + counters["update"] + counters["delete"],
        }

    def stop(self):
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    @classmethod
    def loaded(cls, store, folder, cache_gigabytes):
        """A folder with the store's libraries and their indexes, to be copied for every run; its port."""
        from bson.raw_bson import RawBSONDocument

        say("loading the server")
        shutil.rmtree(folder, ignore_errors=True)
        port = free_port()
        server = cls(folder, port, cache_gigabytes).initiate()
        library = server.client.music.user_library
        library.create_index("user_id", unique=True)
        library.create_index("updated_at")
        server.client.music.play_archive.create_index([("user_id", 1), ("month", 1)], unique=True)
        # What else a sync relies on is the program's own to know.
        batch = []
        with open(store, "rb") as file:
            while head := file.read(4):
                batch.append(RawBSONDocument(head + file.read(int.from_bytes(head, "little") - 4)))
                if len(batch) == 200:
                    library.insert_many(batch, ordered=False)
                    batch = []
        if batch:
            library.insert_many(batch, ordered=False)
        server.stop()
        return port

    @classmethod
    def copied(cls, base, folder, port, cache_gigabytes):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(base, folder)
        os.sync()
        return cls(folder, port, cache_gigabytes).ready()
