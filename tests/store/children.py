"""Programs that tests run as processes of their own: `python -m tests.store.children NAME URL …`."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from headwater.errors import NotFoundError, RefusedError, UnavailableError
from headwater.model.approvals import NewRequest, NewVote
from headwater.model.graph import (
    ArtifactLink,
    EventType,
    NewArtifact,
    NewContext,
    NewExecution,
    NewType,
    NodeKind,
    Publication,
)
from headwater.model.ids import ExecutionId, new_run_id
from headwater.model.listing import Listing
from headwater.model.models import NewVersion, Transition
from headwater.model.protocols import Store
from headwater.model.runs import NewRun
from headwater.model.series import Points, SeriesBatch
from headwater.store.sql.store import SqlStore

ROOT = Path(__file__).parents[2]
WRITERS = 8
ROUNDS = 6
VERSIONS = 5
"""Versions that `decide` is about."""
DECISIONS = 3
"""How often one caller of `decide` decides; each time three steps."""
ARTIFACTS = 12
"""Artifacts of one publication of `publish_all`."""


def start(name: str, *arguments: object) -> "subprocess.Popen[str]":
    """Start a program of this module."""
    command = [sys.executable, "-m", "tests.store.children", name, *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT)


def write_everything(store: Store, writer: int, shared: ExecutionId) -> None:
    """Write what all other writers write at the same moment; `writer` counts from 1."""
    for i in range(ROUNDS):
        artifact, execution, context = store.types.put(types(i))
        store.runs.start(NewRun(run_id=new_run_id(), experiment=f"shared {i}", params={"writer": writer}))
        points = Points.of([(i, writer, float(writer))])
        batch = SeriesBatch(execution_id=shared, key="loss", writer=writer, batch=i, points=points)
        store.series.append([batch])
        store.series.append([batch])
        made = ArtifactLink(artifact=NewArtifact(type_id=artifact), type=EventType.OUTPUT)
        store.links.publish(
            Publication(
                execution=NewExecution(type_id=execution, name=f"{writer}-{i}"),
                artifacts=[made],
                contexts=[NewContext(type_id=context, name="shared")],
            )
        )
        store.models.add_version(NewVersion(model="shared"), actor=str(writer))


def types(number: int) -> list[NewType]:
    """Types that all writers store in one round."""
    return [
        NewType(kind=kind, name=f"Round {number}")
        for kind in (NodeKind.ARTIFACT, NodeKind.EXECUTION, NodeKind.CONTEXT)
    ]


def promote_own(store: Store, version: int) -> None:
    """Bring one version into production, again and again, against all others."""
    for i in range(ROUNDS):
        # Refused when nobody has pushed it out in the meantime.
        with suppress(RefusedError):
            move = Transition(model="m", version=version, to="production", reason=str(i), actor=str(version))
            store.models.transition(move)


def move(store: Store, version: int, to: str, kind: str = "promote", actor: str = "ann") -> None:
    """Move a version."""
    store.models.transition(
        Transition(model="m", version=version, to=to, reason="because", actor=actor, kind=kind)
    )


def decide(store: Store, number: int) -> None:
    """Promote, roll back, request and approve, in an order of this caller's own, against all others."""
    chance = random.Random(number)
    for _ in range(DECISIONS):
        version = chance.randint(1, VERSIONS)
        steps: list[Callable[[], object]] = [
            partial(store.approvals.request, _request(version)),
            partial(store.approvals.vote, _vote(version, approves=True)),
            partial(store.approvals.vote, _vote(version, approves=None)),
            partial(move, store, version, "production"),
            partial(roll_back, store),
        ]
        for step in chance.choices(steps, weights=(3, 3, 1, 3, 1), k=3):
            # Refused where somebody else was first, or nothing is asked for.
            with suppress(RefusedError, NotFoundError):
                step()


def _request(version: int) -> NewRequest:
    return NewRequest(model="m", version=version, stage="production", actor="ann", reason="because")


def _vote(version: int, *, approves: bool | None) -> NewVote:
    return NewVote(
        model="m",
        version=version,
        stage="production",
        actor="lead",
        reason="because",
        approves=approves,
    )


def roll_back(store: Store) -> None:
    """Put the version before the present one back into production."""
    before = store.models.previous_holder("m", "production")
    if before is not None:
        move(store, before.version, "production", "rollback")


def publish_all(store: Store, label: str, thread: int) -> None:
    """Publish until somebody kills this process; say what has been acknowledged."""
    artifact, execution, context = store.types.put(types(0))
    for i in range(10**6):
        name = f"{label}-{thread}-{i}"
        new = [
            NewArtifact(type_id=artifact, name=f"{name}/{n}", custom_properties={"n": n})
            for n in range(ARTIFACTS)
        ]
        store.links.publish(
            Publication(
                execution=NewExecution(type_id=execution, name=name, params={"i": i}),
                artifacts=[ArtifactLink(artifact=a, type=EventType.OUTPUT) for a in new],
                contexts=[NewContext(type_id=context, name=name)],
            )
        )
        say(name)


def say(text: str) -> None:
    """Write one line at once: half a line is never seen."""
    os.write(1, f"{text}\n".encode())


def in_threads(job: Callable[[int], None], count: int) -> None:
    """Run `job(1)`, `job(2)` … at once."""
    threads = [threading.Thread(target=job, args=(n,)) for n in range(1, count + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def write(url: str, shared: str) -> None:
    """`write_everything` in eight processes."""
    in_processes(url, lambda store, writer: write_everything(store, writer, ExecutionId(int(shared))))


def promote(url: str) -> None:
    """`promote_own` in eight processes."""
    in_processes(url, promote_own)


def decide_at_once(url: str) -> None:
    """`decide` in four processes."""
    in_processes(url, lambda store, number: decide(store, 100 + number), count=4)


def look(url: str) -> None:
    """Open the store in eight processes at once; none closes it before all have it."""

    def count_types(store: Store, _: int) -> None:
        assert len([t for kind in NodeKind for t in store.types.all(kind)]) == 9

    in_processes(url, count_types)


def in_processes(url: str, job: Callable[[Store, int], None], count: int = WRITERS) -> None:
    """Run `job(store, 1)` … in processes with a store each, which begin when all have opened theirs."""
    ready, go = os.pipe(), os.pipe()
    for writer in range(1, count + 1):
        if os.fork() == 0:
            os.close(go[1])
            with SqlStore(url) as store:
                os.write(ready[1], b"!")
                # Ends when the last process that could write here has closed its end.
                os.read(go[0], 1)
                job(store, writer)
            os._exit(0)
    for _ in range(count):
        os.read(ready[0], 1)
    os.close(go[1])
    assert [os.wait()[1] for _ in range(count)] == [0] * count


def fork_publishers(url: str) -> None:
    """For each line read, fork a process that publishes from three threads, and say its id."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            with SqlStore(url) as store:
                in_threads(partial(publish_all, store, line.strip()), 3)
        say(f"pid {child}")
        os.waitpid(child, 0)
        say("dead")


def interrupted(url: str) -> None:
    """Write from three threads, and from the main one, which is interrupted all the time."""
    with SqlStore(url) as store:
        [kind] = store.types.put([NewType(kind=NodeKind.EXECUTION, name="T")])

        def add(name: str) -> None:
            new = [NewExecution(type_id=kind, name=name)]
            try:
                store.executions.add(new, key=name)
            except UnavailableError:
                store.executions.add(new, key=name)

        signal.signal(signal.SIGALRM, signal.default_int_handler)
        threads = [
            threading.Thread(target=lambda n=n: [add(f"{n}-{i}") for i in range(60)]) for n in range(3)
        ]
        for thread in threads:
            thread.start()
        interrupts = 0
        # Bounded: on a busy machine no write may be done between two interrupts, and psycopg cancels the
        # statement through a connection of its own each time, which takes seconds there.
        while interrupts < 15 and any(thread.is_alive() for thread in threads):
            try:
                # Ctrl-C at some moment of the write.
                signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0001, 0.01))
                add(f"main-{interrupts}")
                signal.setitimer(signal.ITIMER_REAL, 0)
            except (KeyboardInterrupt, DBAPIError):
                # psycopg makes an error of its own of an interrupt that comes while a connection is tried.
                interrupts += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        for thread in threads:
            thread.join()
        add("last")
        assert interrupts
        names = [e.name or "" for e in store.executions.page(Listing(limit=10_000)).items]
        theirs = sorted(name for name in names if not name.startswith("main"))
        assert theirs == sorted([*(f"{n}-{i}" for n in range(3) for i in range(60)), "last"]), theirs


def stormed(url: str) -> None:
    """Write through a storm of interrupts that spares hardly a write; nothing else comes out of it."""
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    with SqlStore(url) as store:
        [kind] = store.types.put([NewType(kind=NodeKind.EXECUTION, name="T")])
        for number in range(1500):
            try:
                signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0001, 0.0015))
                store.executions.add([NewExecution(type_id=kind, name=f"{number}")])
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                pass
            signal.setitimer(signal.ITIMER_REAL, 0)
            if number % 50 == 0:
                store.executions.add([NewExecution(type_id=kind, name=f"calm-{number}")])
        names = [e.name or "" for e in store.executions.page(Listing(limit=10_000)).items]
        calm = [name for name in names if name.startswith("calm")]
        assert calm == [f"calm-{number}" for number in range(0, 1500, 50)], calm


def forked(url: str) -> None:
    """Fork while threads write; parent and child go on writing."""
    store = SqlStore(url)
    [kind] = store.types.put([NewType(kind=NodeKind.EXECUTION, name="T")])
    is_over = threading.Event()

    def add(label: str, number: int) -> None:
        for i in range(number):
            store.executions.add([NewExecution(type_id=kind, name=f"{label}-{i}")])

    def keep_writing(n: int) -> None:
        i = 0
        while not is_over.is_set():
            add(f"thread-{n}-{i}", 1)
            i += 1

    threads = [threading.Thread(target=keep_writing, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for i in range(5):
        child = os.fork()
        if child == 0:
            add(f"child-{i}", 5)
            os._exit(0)
        add(f"parent-{i}", 5)
        assert os.waitpid(child, 0)[1] == 0
    is_over.set()
    for thread in threads:
        thread.join()
    store.close()


if __name__ == "__main__":
    {
        "write": write,
        "promote": promote,
        "decide": decide_at_once,
        "look": look,
        "publishers": fork_publishers,
        "interrupted": interrupted,
        "stormed": stormed,
        "forked": forked,
    }[sys.argv[1]](*sys.argv[2:])
