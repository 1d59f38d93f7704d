"""A tiny SMTP server on the loopback interface: each message it is given becomes one file of a directory.

So a test can see whether a server sent invitations.
"""

from __future__ import annotations

import socketserver
import threading
from itertools import count
from pathlib import Path

from caldav_backup.cli.loopback import HOST


class Mailbox:
    """Runs in a thread until `close`; `directory` is made. A file begins with the envelope, as X-Envelope lines."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.directory = directory
        self._server = _Server((HOST, 0), _Session)
        self._server.directory = directory
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def empty(self) -> None:
        for message in self.directory.iterdir():
            message.unlink()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    directory: Path

    def __init__(self, address: tuple[str, int], session: type[socketserver.BaseRequestHandler]) -> None:
        self.numbers = count(1)
        super().__init__(address, session)


class _Session(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self._answer("220 mailbox ESMTP")
        envelope: list[bytes] = []
        while line := self.rfile.readline():
            word = line.strip().upper()
            if word.startswith(b"EHLO"):
                self._answer("250-mailbox")
                self._answer("250 8BITMIME")
            elif word == b"DATA":
                self._answer("354 go on")
                self._keep(envelope)
                envelope = []
                self._answer("250 kept")
            elif word == b"QUIT":
                self._answer("221 bye")
                return
            else:
                if word.startswith((b"MAIL FROM", b"RCPT TO")):
                    envelope.append(line.strip())
                self._answer("250 ok")

    def _keep(self, envelope: list[bytes]) -> None:
        lines = [b"X-Envelope: " + each + b"\r\n" for each in envelope]
        while (line := self.rfile.readline()) and line.rstrip(b"\r\n") != b".":
            lines.append(line[1:] if line.startswith(b"..") else line)
        (self.server.directory / f"{next(self.server.numbers):06d}.eml").write_bytes(b"".join(lines))

    def _answer(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")
