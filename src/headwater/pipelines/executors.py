"""Where steps run: threads, processes that can be killed one by one, or anybody's executor."""

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class WorkerDiedError(BrokenProcessPool):
    """The process of a step ended without a word, or was killed because it took too long."""


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    connection: Connection


class Processes(Executor):
    """Runs calls in processes of their own, which are kept, and of which each can be killed alone.

    The standard library's pool loses all that runs when one process dies, and cannot end one call.
    Processes are forked from a server without threads where there is one, never from this process.

    Args:
        max_workers: Calls at once.
    """

    def __init__(self, max_workers: int | None = None) -> None:
        self.max_workers = max_workers or usable_cpus()
        self._threads = ThreadPoolExecutor(self.max_workers, thread_name_prefix="headwater-process")
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._at_work: dict[Future[Any], BaseProcess] = {}
        self._context = _context()
        # Before the interpreter waits for processes that wait for a call.
        Finalize(None, _close, args=(self._idle,), exitpriority=10)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call in one of the processes."""
        future: Future[T] = Future()
        self._threads.submit(self._run, future, fn, args, kwargs)
        return future

    def kill(self, future: Future[Any]) -> bool:
        """Kill the process that a call runs in; its future fails. False when it runs in none."""
        with self._lock:
            process = self._at_work.get(future)
        if process is None:
            return False
        process.kill()
        return True

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002
        """End all processes; those at work are waited for, or killed."""
        if not wait:
            with self._lock:
                for process in self._at_work.values():
                    process.kill()
        self._threads.shutdown(wait=True, cancel_futures=cancel_futures)
        with self._lock:
            _close(self._idle)

    def _run(
        self, future: Future[Any], fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            worker = self._worker()
            with self._lock:
                self._at_work[future] = worker.process
            try:
                is_good, value = _ask(worker, (_place(), fn, args, kwargs))
            finally:
                with self._lock:
                    del self._at_work[future]
            with self._lock:
                self._idle.append(worker)
        except BaseException as error:  # noqa: BLE001 - whatever happened belongs to whoever holds the future
            future.set_exception(error)
            return
        if is_good:
            future.set_result(value)
        else:
            future.set_exception(value)

    def _worker(self) -> _Worker:
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.process.is_alive():
                    return worker
        ours, theirs = self._context.Pipe()
        # Not as a daemon: a step may have processes of its own.
        process = self._context.Process(target=_serve, args=(theirs,), name="headwater-step")
        process.start()
        theirs.close()
        return _Worker(process, ours)


def _context() -> ForkServerContext | SpawnContext:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["headwater.pipelines.performing", "sqlalchemy"])
    return context


def _close(idle: list[_Worker]) -> None:
    while idle:
        worker = idle.pop()
        worker.connection.close()
        worker.process.join(timeout=5)


def _place() -> tuple[str, dict[str, str], list[str]]:
    """Return what a call may depend on besides its arguments, as it is now and not when a worker began."""
    return str(Path.cwd()), dict(os.environ), list(sys.path)


def _ask(worker: _Worker, call: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        worker.connection.send(call)
        wait([worker.connection, worker.process.sentinel])
        return worker.connection.recv()
    except (EOFError, OSError) as error:
        worker.process.join(timeout=5)
        code = worker.process.exitcode
        raise WorkerDiedError(f"the step's process ended without a word (exit code {code})") from error


def _serve(connection: Connection) -> None:
    """Answer calls until nobody asks any more; what a worker process does."""
    _die_with_parent()
    while True:
        try:
            (folder, environment, path), fn, args, kwargs = connection.recv()
        except EOFError:
            return
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.path[:] = path
        try:
            answer = (True, fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it is the caller's
            answer = (False, error)
        connection.send(answer)


def _die_with_parent() -> None:
    """End this process when its parent has: nobody would take what it makes."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="headwater-parent", daemon=True).start()


def usable_cpus() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
