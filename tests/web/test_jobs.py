"""Long answers: made once, told of as they go, stopped when asked."""

from __future__ import annotations

import threading
import time

import pytest
from litestar.testing import TestClient

from detente.errors import DetenteError
from detente.web.answer import Answer, Code, Step, Work
from detente.web.jobs import WAITING, Job, Jobs

DONE = Answer(1, Code("detente", ""))


def slow(go: threading.Event, seen: list[int]) -> Work:
    for n in range(5):
        seen.append(n)
        yield Step(n, 5, f"part {n}")
        go.wait(5)
    return DONE


def ended(job: Job) -> Job:
    limit = time.monotonic() + 10
    while job.state == "running" and time.monotonic() < limit:
        time.sleep(0.005)
    return job


def test_an_answer_is_made_once_and_kept() -> None:
    jobs, go, seen = Jobs(), threading.Event(), list[int]()
    first, again = (jobs.start("q", lambda: slow(go, seen)) for _ in range(2))
    assert first.id == again.id
    go.set()
    assert ended(first).state == "done" and first.done == first.total == 5
    assert (
        jobs.kept("q") is DONE and jobs.now("q", lambda: slow(go, seen)) is DONE and seen == [0, 1, 2, 3, 4]
    )


def test_a_cancelled_one_stops_at_its_next_step_and_can_be_asked_again() -> None:
    jobs, go, seen = Jobs(), threading.Event(), list[int]()
    job = jobs.start("q", lambda: slow(go, seen))
    while not seen:
        time.sleep(0.002)
    assert jobs.cancel(job.id).state == "cancelled"  # type: ignore[union-attr]
    go.set()
    while jobs._running:
        time.sleep(0.002)
    assert len(seen) < 5 and jobs.kept("q") is None
    assert ended(jobs.start("q", lambda: slow(go, seen))).state == "done"


def test_a_failed_one_says_why() -> None:
    def bad() -> Work:
        yield Step(0, 1, "")
        raise DetenteError("no such thing", fix="name another")

    jobs = Jobs()
    job = ended(jobs.start("q", bad))
    assert job.state == "failed" and "name another" in job.error and jobs.kept("q") is None


def test_too_many_are_refused() -> None:
    jobs, go = Jobs(), threading.Event()
    for n in range(WAITING):
        jobs.start(n, lambda: slow(go, []))
    with pytest.raises(DetenteError, match="waiting"):
        jobs.start("more", lambda: slow(go, []))
    go.set()


def test_over_the_wire(client: TestClient) -> None:
    place = "/api/v1/projections/FR?draws=321"
    found = client.get(place, headers={"prefer": "respond-async"})
    assert found.status_code == 202 and found.headers["preference-applied"] == "respond-async"
    job = found.json()
    limit = time.monotonic() + 30
    while job["state"] == "running" and time.monotonic() < limit:
        job = client.get(found.headers["location"]).json()
    assert job["state"] == "done" and job["done"] == job["total"]
    kept = client.get(place, headers={"prefer": "respond-async"})
    assert kept.status_code == 200 and kept.json() == client.get(place).json()
    assert client.delete(found.headers["location"]).json()["state"] == "done", "what is done stays done"
