"""Long answers: run aside, tell how far they are, stop when asked, keep the last few results."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import msgspec

from detente.errors import DetenteError
from detente.web.answer import Answer, Step, Work

KEPT, WAITING = 32, 8
TURN = threading.RLock()
"""Held while a room computes: compiled kernels may start their threads from one place at a time only."""


class Job(msgspec.Struct):
    """A long answer under way. `state`: running, done, cancelled or failed."""

    id: str
    state: str
    done: int = 0
    total: int = 0
    words: str = ""
    error: str = ""


class Jobs:
    """Answers by what was asked: kept when made, made once however many ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[Hashable, Answer] = OrderedDict()
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._running: dict[Hashable, Job] = {}
        self._turn = threading.Lock()  # one at a time: each uses a core whole

    def kept(self, key: Hashable) -> Answer | None:
        """The answer, if it was made before."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def now(self, key: Hashable, work: Callable[[], Work]) -> Answer:
        """The answer, made while the caller waits. Raises what the work raises."""
        found = self.kept(key)
        if found is None:
            found = self._run(key, work(), Job("", "running"))
        assert found is not None
        return found

    def start(self, key: Hashable, work: Callable[[], Work]) -> Job:
        """The job that makes the answer, begun if nobody had. Raises DetenteError where too many wait."""
        with self._lock:
            if key in self._running:
                return self._running[key]
            if len(self._running) >= WAITING:
                raise DetenteError(
                    f"{WAITING} long answers are waiting", fix="cancel one, or ask again later"
                )
            job = Job(secrets.token_hex(8), "running", words="waiting")
            self._jobs[job.id] = self._running[key] = job
            while len(self._jobs) > 4 * KEPT:
                self._jobs.popitem(last=False)
        threading.Thread(target=self._aside, args=(key, work, job), daemon=True).start()
        return job

    def find(self, identity: str) -> Job | None:
        """The job of that id."""
        with self._lock:
            return self._jobs.get(identity)

    def cancel(self, identity: str) -> Job | None:
        """Ask a job to stop at its next step."""
        job = self.find(identity)
        if job is not None and job.state == "running":
            job.state = "cancelled"
        return job

    def _aside(self, key: Hashable, work: Callable[[], Work], job: Job) -> None:
        try:
            with self._turn:
                if job.state == "running":
                    self._run(key, work(), job)
        except Exception as bad:
            job.state, job.error = "failed", str(bad)
        finally:
            with self._lock:
                self._running.pop(key, None)

    def _run(self, key: Hashable, work: Work, job: Job) -> Answer | None:
        try:
            while job.state == "running":
                with TURN:
                    step: Step = next(work)
                job.done, job.total, job.words = step.done, step.total, step.words
        except StopIteration as end:
            answer: Answer = end.value
            with self._lock:
                self._answers[key] = answer
                while len(self._answers) > KEPT:
                    self._answers.popitem(last=False)
            if job.state == "running":
                job.done, job.state = job.total, "done"
            return answer
        work.close()
        return None
