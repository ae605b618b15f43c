"""A machine that has no data set and no network, and a server of the tests' own that takes the network's place."""

import dataclasses
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tasks import sources
from tests.tasks.pure.small_archives import small_fashion

REFUSED = "http://127.0.0.1:9/"  # the discard port: nothing listens there


def make_bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty Keras cache, no GRAFT_DATA, no Debian package, no network."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("GRAFT_DATA", raising=False)
    for name, source in sources.SOURCES.items():
        bare = dataclasses.replace(source, debian=tmp_path / "debian" if source.debian else None)
        monkeypatch.setitem(sources.SOURCES, name, bare)
    move_origin(monkeypatch, REFUSED)


def move_origin(monkeypatch: pytest.MonkeyPatch, origin: str, sha256: dict[str, str] | None = None) -> None:
    """Let every remote file be under `origin`, with the hashes given."""
    for name, source in list(sources.SOURCES.items()):
        remotes = {
            role: sources.Remote(origin + remote.name, (sha256 or {}).get(remote.name, remote.sha256), remote.name)
            for role, remote in source.remotes.items()
        }
        monkeypatch.setitem(sources.SOURCES, name, dataclasses.replace(source, remotes=remotes))


def put_fashion(folder: Path) -> Path:
    folder.mkdir(parents=True)
    small_fashion(folder)
    return folder


class Served:
    """A server with files in memory that counts what it was asked for."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path.lstrip("/"))
                content = outer.files.get(self.path.lstrip("/"))
                self.send_response(200 if content is not None else 404)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write((content or b"")[: outer.cut])

            def log_message(self, format: str, *args: object) -> None:
                """Keep quiet."""

        self.cut: int | None = None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}/"

    @contextmanager
    def running(self) -> Iterator["Served"]:
        """Let it answer for as long as the block lasts."""
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield self
        self.server.shutdown()
        thread.join()
        self.server.server_close()
