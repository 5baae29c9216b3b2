"""`Teacher`: text from a language model behind an OpenAI-compatible server, by default on this machine.

Covered: recordings marked `credentialed` go to no host but this one; other hosts only when the user names them and says
so; no redirects are followed; answers are limited in size; errors that may pass (429, 5xx, time-outs, broken
connections, answers that are no JSON) are tried again with growing pauses; every answer is cached under the hash of its
request, so a run goes on where it stopped. Failures are counted by reason and never become text. Not covered: what the
server does with what it is sent.
"""

from __future__ import annotations

import hashlib
import http.client
import ipaddress
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from ecground import safe
from ecground.errors import EcgroundError, RefusedError, TeacherError, UsageError

__all__ = ["Message", "Teacher"]

Message = Mapping[str, str]
"""`{"role": "system" | "user" | "assistant", "content": text}`."""

_MAX_ANSWER: Final = 4 << 20
_LONGEST_PAUSE: Final = 30.0
_PASSING: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


@dataclass(slots=True)
class Teacher:
    """A language model behind a server."""

    model: str
    """Name as the server knows it."""
    url: str = "http://127.0.0.1:8000/v1"
    """Root of the OpenAI-compatible interface."""
    allow_remote: bool = False
    """The user agreed that recordings which may be passed on go to another host."""
    key_variable: str = "ECGROUND_TEACHER_KEY"
    """Environment variable that holds the server's key, if it wants one."""
    timeout_s: float = 120.0
    """Of one request [s]."""
    tries: int = 4
    """Requests for one answer before it counts as failed."""
    pause_s: float = 1.0
    """Before the second try; doubled for each further one [s]."""
    temperature: float = 0.7
    max_tokens: int = 700
    cache: Path | None = None
    """Folder of answers; None = every answer is asked for."""
    sleep: Callable[[float], None] = time.sleep
    failures: Counter[str] = field(default_factory=Counter)
    """Reason -> number of requests that failed with it."""

    def __post_init__(self) -> None:
        where = _parts(self.url)
        if not (self.allow_remote or _is_here(where.hostname or "")):
            raise UsageError(
                f"the language model would run on {where.hostname}", where="teacher url",
                hint="recordings leave this machine only when you allow it: --allow-remote",
            )

    def complete(self, messages: Sequence[Message], *, seed: int, credentialed: bool = False) -> str:
        """The model's answer to a chat.

        Raises:
            RefusedError: the recording is credentialed and the server is not this machine.
            TeacherError: no usable answer after all tries.
        """
        where = _parts(self.url)
        if credentialed and not _is_here(where.hostname or ""):
            raise RefusedError(
                "access to this recording is personal: it goes to no other host", where="teacher",
                hint="run the language model on this machine, or leave the source out",
            )
        body = json.dumps({
            "model": self.model, "messages": [dict(message) for message in messages], "seed": seed,
            "temperature": self.temperature, "max_tokens": self.max_tokens,
        }, sort_keys=True).encode()
        kept = self.cache / f"{hashlib.sha256(self.url.encode() + body).hexdigest()}.json" if self.cache else None
        if kept is not None and kept.is_file():
            known, _ = _usable(safe.read_bytes(kept, limit=_MAX_ANSWER))
            if known is not None:
                return _content(known)
        answer = self._asked(where, body)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            safe.write_atomic(kept, json.dumps(answer).encode())
        return _content(answer)

    def _asked(self, where: SplitResult, body: bytes) -> dict[str, Any]:
        """The server's answer, tried again after errors that may pass."""
        reason = ""
        for attempt in range(self.tries):
            if attempt:
                self.sleep(min(self.pause_s * 2 ** (attempt - 1), _LONGEST_PAUSE))
            try:
                status, raw = self._request(where, body)
            except (OSError, http.client.HTTPException) as error:
                reason = "timeout" if isinstance(error, TimeoutError) else "connection"
                self.failures[reason] += 1
                continue
            reason = f"status {status}"
            if status == 200:
                answer, reason = _usable(raw)
                if answer is not None:
                    return answer
            self.failures[reason] += 1
            if status != 200 and status not in _PASSING:
                break
        raise TeacherError(f"no usable answer from the language model ({reason})", where="teacher",
                           hint="check that the server runs and knows the model; the run can be resumed")

    def _request(self, where: SplitResult, body: bytes) -> tuple[int, bytes]:
        kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
        connection = kind(where.hostname or "", where.port, timeout=self.timeout_s)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key := os.environ.get(self.key_variable):
            headers["Authorization"] = f"Bearer {key}"
        try:
            connection.request("POST", f"{where.path.rstrip('/')}/chat/completions", body=body, headers=headers)
            response = connection.getresponse()
            return response.status, response.read(_MAX_ANSWER + 1)
        finally:
            connection.close()


def _parts(url: str) -> SplitResult:
    try:
        where = urlsplit(url)
        usable = where.scheme in {"http", "https"} and where.hostname and (where.port or True) and not where.username
    except ValueError:
        usable = False
    if not usable:
        raise UsageError("not an address of a server", where="teacher url", hint="for instance http://127.0.0.1:8000/v1")
    return where


def _is_here(host: str) -> bool:
    """Whether the host is this machine, decided without asking a name server."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _usable(raw: bytes) -> tuple[dict[str, Any] | None, str]:
    """The answer, or why it is none."""
    if len(raw) > _MAX_ANSWER:
        return None, "too long"
    try:
        answer = safe.json_value(raw, where="answer", limit=_MAX_ANSWER)
    except EcgroundError:
        return None, "no JSON"
    try:
        text = _content(answer)
    except TeacherError:
        return None, "no text"
    cut = answer["choices"][0].get("finish_reason") == "length"
    return (None, "cut off") if cut else (answer, "") if text.strip() else (None, "empty")


def _content(answer: object) -> str:
    try:
        text = answer["choices"][0]["message"]["content"]  # type: ignore[index]
    except (KeyError, IndexError, TypeError):
        text = None
    if not isinstance(text, str):
        raise TeacherError("an answer without text", where="teacher", hint="the server is not OpenAI-compatible")
    return text
