"""Calls run in processes of their own, so that a loop in one stops neither the sealer nor other readers."""

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import FrameType

from ledger_node.embedded.errors import ExecutionError
from ledger_node.embedded.reads import Question, answer
from ledger_node.embedded.store import ReadStore

MAX_WAITING_CALLS = 64
"""Calls that may wait or run; the server has threads beyond these, so that calls cannot crowd out transactions."""


class _OutOfTime(BaseException):
    """The alarm rang; derived from BaseException so that no handler inside the machine takes it for its own."""


class Workers:
    """Answers questions in `count` processes, each within `timeout` seconds."""

    def __init__(self, directory: Path, count: int, timeout: float) -> None:
        self._directory = directory
        self._count = count
        self._timeout = timeout
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(MAX_WAITING_CALLS)
        self._executor = self._start()

    def __call__(self, question: Question) -> bytes | int:
        """As `reads.answer`; raises ExecutionError also when the time is over or two workers died of the question."""
        if not self._places.acquire(blocking=False):
            raise ExecutionError(f"too many calls at once, at most {MAX_WAITING_CALLS} may wait")
        try:
            return self._ask(question)
        finally:
            self._places.release()

    def warm_up(self) -> None:
        """Begin to start all processes, so that the first call waits less."""
        for _ in range(self._count):
            self._executor.submit(os.getpid)

    def close(self) -> None:
        """End the processes, once the calls under way are over (their timeout at most)."""
        with self._lock:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def _ask(self, question: Question) -> bytes | int:
        for _ in range(2):
            with self._lock:
                executor = self._executor
            try:
                return executor.submit(_work, question, self._timeout).result()
            except BrokenProcessPool:
                self._replace(executor)
        raise ExecutionError("execution aborted (its worker died)")

    def _start(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([answer.__module__])
        return ProcessPoolExecutor(self._count, context, _begin, (self._directory,))

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._executor is broken:
                self._executor = self._start()


_stores: list[ReadStore] = []
"""The store of this worker process; filled once by its initializer."""


def _begin(directory: Path) -> None:
    _stores.append(ReadStore(directory))
    signal.signal(signal.SIGALRM, _ring)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _work(question: Question, timeout: float) -> bytes | int:
    signal.setitimer(signal.ITIMER_REAL, timeout)
    try:
        return answer(_stores[0], question)
    except _OutOfTime:
        raise ExecutionError(f"execution aborted (timeout = {timeout:g}s)") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _ring(number: int, frame: FrameType | None) -> None:
    raise _OutOfTime


def _end_with(sentinel: int) -> None:
    """A server that is killed cannot stop its workers, so they watch it."""
    multiprocessing.connection.wait([sentinel])
    os._exit(0)
