"""A language model's server for tests, which misbehaves as its script says."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def answer(text="Sinus rhythm.", finish="stop"):
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": finish}]})


class Server(ThreadingHTTPServer):
    """Answers from a script: (status, body) or a word for what it does instead."""

    daemon_threads = True

    def __init__(self):
        self.script, self.seen = [], []
        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, request, client_address):
        """A client that hung up is what some tests want."""


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.seen.append((self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
        step = self.server.script.pop(0) if self.server.script else (200, answer())
        if step == "hang up":
            self.connection.close()
            return
        if step == "sleep":
            time.sleep(1.0)
            step = (200, answer("too late"))
        if step == "half":
            self.send_response(200)
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(b'{"choices": [')
            return
        if step == "garbage":
            self.wfile.write(b"\x00\xff not http at all\r\n\r\n")
            return
        status, body = step
        raw = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        if status in {301, 302, 307}:
            self.send_header("Location", "http://192.0.2.1/steal")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_):
        pass
