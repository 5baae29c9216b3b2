"""Against a stand-in server that misbehaves in every way one can."""

from __future__ import annotations

import json

import pytest

from ecground.errors import RefusedError, TeacherError, UsageError
from ecground.instruct.teacher import Teacher
from tests.instruct.standin import answer

CHAT = ({"role": "user", "content": "Interpret."},)


@pytest.fixture
def teacher(server, tmp_path):
    return Teacher("toy", f"http://127.0.0.1:{server.server_port}/v1", cache=tmp_path / "cache", timeout_s=0.3,
                   sleep=lambda _: None)


def test_an_answer_is_asked_for_once_and_then_cached(server, teacher, monkeypatch):
    monkeypatch.setenv("ECGROUND_TEACHER_KEY", "secret")
    assert teacher.complete(CHAT, seed=1) == "Sinus rhythm."
    assert teacher.complete(CHAT, seed=1) == "Sinus rhythm."
    ((path, headers, body),) = server.seen
    assert path == "/v1/chat/completions" and headers["Authorization"] == "Bearer secret"
    sent = json.loads(body)
    assert sent["model"] == "toy" and sent["seed"] == 1 and sent["messages"] == [dict(CHAT[0])]
    teacher.complete(CHAT, seed=2)
    assert len(server.seen) == 2


@pytest.mark.parametrize(("trouble", "reason"), [
    ((500, "oops"), "status 500"), ((503, ""), "status 503"), ((429, "slow down"), "status 429"),
    ((200, "<html>"), "no JSON"), ((200, b"\xff\xfe"), "no JSON"), ((200, "[]"), "no text"),
    ((200, '{"choices": []}'), "no text"), ((200, '{"choices": [{"message": {"content": null}}]}'), "no text"),
    ((200, answer("   ")), "empty"), ((200, answer("Sinus", "length")), "cut off"),
    ((200, "[" * 200), "no JSON"), ((200, b"x" * (5 << 20)), "too long"),
    ("hang up", "connection"), ("half", "no JSON"), ("garbage", "connection"), ("sleep", "timeout"),
])
def test_trouble_that_may_pass_is_tried_again_and_counted(server, teacher, trouble, reason):
    server.script = [trouble]
    assert teacher.complete(CHAT, seed=1) == "Sinus rhythm."
    assert teacher.failures == {reason: 1}


@pytest.mark.parametrize("status", [400, 401, 404, 301, 307])
def test_what_will_not_pass_is_not_tried_again_nor_followed(server, teacher, status):
    server.script = [(status, "no")]
    with pytest.raises(TeacherError, match=f"status {status}"):
        teacher.complete(CHAT, seed=1)
    assert len(server.seen) == 1 and teacher.failures == {f"status {status}": 1}


def test_it_gives_up_and_caches_nothing(server, teacher):
    server.script = [(500, "")] * 10
    with pytest.raises(TeacherError):
        teacher.complete(CHAT, seed=1)
    assert len(server.seen) == teacher.tries == 4
    assert not teacher.cache.exists()
    server.script = []
    assert teacher.complete(CHAT, seed=1) == "Sinus rhythm."


def test_pauses_grow_and_are_bounded(server, teacher):
    pauses = []
    teacher.sleep, teacher.tries, teacher.pause_s = pauses.append, 8, 1.0
    server.script = [(500, "")] * 7
    teacher.complete(CHAT, seed=1)
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_a_damaged_cache_is_asked_for_again(server, teacher):
    teacher.complete(CHAT, seed=1)
    (kept,) = teacher.cache.iterdir()
    kept.write_bytes(b'{"choices": [')
    assert teacher.complete(CHAT, seed=1) == "Sinus rhythm."
    assert len(server.seen) == 2 and json.loads(kept.read_bytes())["choices"]


def test_recordings_stay_here_unless_the_user_says_otherwise():
    for url in ("http://192.0.2.7/v1", "https://api.example.org/v1", "http://127.0.0.1.example.org/v1"):
        with pytest.raises(UsageError, match="would run on"):
            Teacher("toy", url)
    for url in ("http://localhost:1/v1", "http://127.0.0.2:1/v1", "http://[::1]:1/v1"):
        Teacher("toy", url)


def test_credentialed_recordings_never_leave_even_when_allowed():
    far = Teacher("toy", "http://192.0.2.7/v1", allow_remote=True)
    with pytest.raises(RefusedError, match="no other host"):
        far.complete(CHAT, seed=1, credentialed=True)


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "ftp://127.0.0.1", "http://", "http://a:b@127.0.0.1/",
                                 "http://127.0.0.1:99999/", "http://[::1"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(UsageError):
        Teacher("toy", url)


def test_nothing_listens(tmp_path):
    nobody = Teacher("toy", "http://127.0.0.1:9/v1", sleep=lambda _: None)
    with pytest.raises(TeacherError, match="connection"):
        nobody.complete(CHAT, seed=0)
