"""A PostgreSQL that is reached by a line that breaks: between a commit and its answer."""

from __future__ import annotations

import random
import select
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SOCKET = ".s.PGSQL.5432"
COMMIT = b"COMMIT\0"
"""How the query of a commit ends, and what the server says of one that was made."""
LONGEST = 1 << 20


class Proxy:
    """Passes on what clients and the server say to each other."""

    def __init__(self, folder: Path, server: Path, share: float, seed: int) -> None:
        self.folder = folder
        """Host to connect to."""
        self.is_lossy = False
        self.lost = 0
        """Answers to commits that were made."""
        self._server = server
        self._share = share
        self._chance = random.Random(seed)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / SOCKET))
        self._listener.listen(100)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            server.connect(str(self._server / SOCKET))
            while self._pass_on(client, server):
                pass

    def _pass_on(self, client: socket.socket, server: socket.socket) -> bool:
        """Pass on what there is. False if the line is to break."""
        ready, _, _ = select.select([client, server], [], [])
        if server in ready:
            answer = server.recv(LONGEST)
            client.sendall(answer)
            return bool(answer)
        query = client.recv(LONGEST)
        server.sendall(query)
        return bool(query) and not (query.endswith(COMMIT) and self._loses(server))

    def _loses(self, server: socket.socket) -> bool:
        """Whether to lose the answer to a commit; only one that was made counts."""
        if not self.is_lossy or self._chance.random() >= self._share:
            return False
        self.lost += COMMIT in server.recv(LONGEST)
        return True


@contextmanager
def proxy(server: Path, share: float, seed: int) -> Iterator[Proxy]:
    """A proxy to the server whose socket is in that folder."""
    folder = Path(tempfile.mkdtemp(prefix="study-proxy-"))
    made = Proxy(folder, server, share, seed)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder)
