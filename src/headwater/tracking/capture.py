"""Capture: what a run finds out by itself about its code and its environment."""

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from headwater.model.protocols import BlobStore
from headwater.model.values import Json, PropertyValue
from headwater.tracking.environment import Environment, entry_point, seed_facts, thread_facts
from headwater.tracking.reads import watch

TIMEOUT_S: Final = 30.0
"""Longest time that the end of a run waits for its capture."""
_LOG: Final = logging.getLogger("headwater.tracking")


class Capture:
    """Finds out the facts of one run in a background thread.

    The parts do not depend on each other: one that fails leaves a line in
    `capture_warnings`, never an error in the user's program.

    Args:
        environment: Facts of the process.
        folder: The project's folder: which repository the code is in.
        blobs: Takes the patch and the list of packages.
        attach: Takes the facts, once they are known.
    """

    def __init__(
        self,
        environment: Environment,
        folder: Path,
        blobs: BlobStore,
        attach: Callable[[dict[str, PropertyValue]], None],
    ) -> None:
        self._environment, self._folder, self._blobs, self._attach = environment, folder, blobs, attach
        self._facts: dict[str, PropertyValue] = {}
        self._warnings: list[Json] = []
        self._thread = threading.Thread(target=self._work, name="headwater-capture", daemon=True)

    def start(self) -> None:
        """Take down what changes while the program runs, and leave the rest to the thread."""
        self._part("seeds", self._note_seeds)
        self._part("entry point", self._note_entry_point)
        self._thread.start()

    def wait(self, timeout_s: float = TIMEOUT_S) -> bool:
        """Wait until the facts are handed over; False when that takes too long."""
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        with watch.ignoring():
            self._find_out()

    def _find_out(self) -> None:
        for name, part in (
            ("code", self._note_code),
            ("packages", self._note_packages),
            ("lock file", self._note_lock),
            ("machine", self._note_machine),
            ("threads", self._note_threads),
        ):
            self._part(name, part)
        if self._warnings:
            self._facts["capture_warnings"] = self._warnings
        try:
            self._attach(self._facts)
        except Exception as error:  # noqa: BLE001 - capture never breaks the user's program
            _LOG.warning("what was captured of the run could not be recorded: %s", error)

    def _part(self, name: str, part: Callable[[], None]) -> None:
        try:
            part()
        except Exception as error:  # noqa: BLE001 - capture never breaks the user's program
            self._warnings.append(f"{name}: {type(error).__name__}: {error}")

    def _note_seeds(self) -> None:
        self._facts["seeds"] = seed_facts(os.environ)

    def _note_entry_point(self) -> None:
        program, arguments = entry_point()
        self._facts["entry_point"] = program
        self._facts["arguments"] = [*arguments]

    def _note_code(self) -> None:
        # Runs git as a program of its own; loaded here, in the thread, because not every run captures.
        from headwater.tracking.git import GitError, git_state

        try:
            state = git_state(self._folder)
        except GitError as error:
            self._warnings.append(f"code: {error}")
            return
        known = {"git_commit": state.commit, "git_branch": state.branch, "git_remote": state.remote}
        self._facts |= {name: value for name, value in known.items() if value is not None}
        self._facts["git_is_dirty"] = state.is_dirty
        self._warnings += [f"code: {warning}" for warning in state.warnings]
        if state.diff:
            self._facts["git_diff_digest"] = self._blobs.put_bytes(state.diff).digest

    def _note_packages(self) -> None:
        self._facts["python_version"] = self._environment.python_version
        self._facts["packages_digest"] = self._blobs.put_bytes(self._environment.packages_json).digest

    def _note_lock(self) -> None:
        if lock := self._environment.lock:
            self._facts["lock_file"], self._facts["lock_digest"] = lock

    def _note_machine(self) -> None:
        self._facts["machine"] = self._environment.machine

    def _note_threads(self) -> None:
        self._facts["threads"] = thread_facts(os.environ)
