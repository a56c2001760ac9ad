"""Runs jobs with ML Metadata, or with headwater in its place: `mlmd_worker.py MODULE [processor]`.

Jobs come as JSON lines; the time, the clock's or this process's of the processor, is taken in here, so
that the pipe is not counted. The code is the same for both, and the interpreter that of MODULE.
"""
# pyright: reportMissingImports=false

import gc
import json
import sys
from importlib import import_module
from time import perf_counter, process_time

mlmd = import_module(sys.argv[1])
pb = import_module(sys.argv[1] + ".proto.metadata_store_pb2")

now = process_time if "processor" in sys.argv[2:] else perf_counter

PIECE = 1_000
"""Nodes or edges that are written at once while a store is filled."""
MESSAGE_BYTES = 1 << 30
ORDERS = {"id": mlmd.OrderByField.ID, "created": mlmd.OrderByField.CREATE_TIME}


class Jobs:
    """What a worker can be asked: to open a store, to fill it, and to time calls."""

    def __init__(self):
        self._number = 0

    def open(self, file):
        """Use a SQLite file in process; a `file:` URI may say more."""
        config = pb.ConnectionConfig()
        config.sqlite.filename_uri = file
        self._use(mlmd.MetadataStore(config))

    def connect(self, port):
        """Use a server on this machine."""
        config = pb.MetadataStoreClientConfig(host="127.0.0.1", port=port)
        config.channel_arguments.max_receive_message_length = MESSAGE_BYTES
        self._use(mlmd.MetadataStore(config))

    def fill(self, count, layers, width):
        """Store artifacts with contexts and events, and layers of executions that each read a whole layer."""
        put = self._store.put_artifacts
        artifacts = in_pieces([self._artifact(n) for n in range(count)], put)
        executions = in_pieces([self._execution() for _ in range(count // 4)], self._store.put_executions)
        in_pieces(
            [one for n in range(len(executions)) for one in events(n, artifacts, executions)],
            self._put_events,
        )
        contexts = self._store.put_contexts([self._context(f"pipeline-{n}") for n in range(100)])
        links = [
            pb.Attribution(artifact_id=artifact, context_id=contexts[n % len(contexts)])
            for n, artifact in enumerate(artifacts)
        ]
        in_pieces(links, lambda some: self._store.put_attributions_and_associations(some, []) or [])
        self._fill_layers(layers, width)

    def put_artifacts(self, count, size):
        requests = [[self._artifact() for _ in range(size)] for _ in range(count)]
        return timed(requests, self._store.put_artifacts)

    def update_artifacts(self, count, size):
        ids = self._store.put_artifacts([self._artifact() for _ in range(count * size)])
        stored = self._store.get_artifacts_by_id(ids)
        for artifact in stored:
            artifact.properties["rows"].int_value += 1
        return timed([stored[i * size : (i + 1) * size] for i in range(count)], self._store.put_artifacts)

    def put_execution(self, count):
        """Publish as TFX does: two artifacts as they were read, two new ones, a context that is there."""
        ids = self._store.put_artifacts([self._artifact() for _ in range(2 * count)])
        read = self._store.get_artifacts_by_id(ids)

        def request(number):
            pairs = [
                (artifact, pb.Event(type=pb.Event.INPUT, artifact_id=artifact.id))
                for artifact in read[2 * number : 2 * number + 2]
            ]
            pairs += [(self._artifact(), pb.Event(type=pb.Event.OUTPUT)) for _ in range(2)]
            return self._execution(), pairs, [self._context("flights")]

        return timed(
            [request(number) for number in range(count)],
            lambda one: self._store.put_execution(*one, reuse_context_if_already_exist=True),
        )

    def put_lineage_subgraph(self, count, executions):
        """Store executions with two artifacts that each read and two that it wrote, in one context."""
        kinds = [pb.Event.INPUT] * 2 + [pb.Event.OUTPUT] * 2
        edges = [
            (number, 4 * number + place, pb.Event(type=kind))
            for number in range(executions)
            for place, kind in enumerate(kinds)
        ]

        def request():
            artifacts = [self._artifact() for _ in range(4 * executions)]
            return (
                [self._execution() for _ in range(executions)],
                artifacts,
                [self._context("flights")],
                edges,
            )

        return timed(
            [request() for _ in range(count)],
            lambda one: self._store.put_lineage_subgraph(*one, reuse_context_if_already_exist=True),
        )

    def get_by_id(self, requests):
        return found(timed_answers(requests, self._store.get_artifacts_by_id))

    def get_all(self):
        return found(timed_answers([()], lambda _: self._store.get_artifacts()))

    def search(self, query, count, limit, order="id", is_asc=True):
        options = mlmd.ListOptions(limit=limit, order_by=ORDERS[order], is_asc=is_asc, filter_query=query)
        return found(timed_answers([options] * count, self._store.get_artifacts))

    def lineage(self, query, hops, count):
        options = pb.LineageSubgraphQueryOptions(max_num_hops=hops)
        options.starting_artifacts.filter_query = query
        options.direction = pb.LineageSubgraphQueryOptions.UPSTREAM
        seconds, graph = timed_answers([options] * count, self._store.get_lineage_subgraph)
        sizes = [len(part) for part in (graph.artifacts, graph.executions, graph.events, graph.contexts)]
        return {"seconds": seconds, "found": sizes}

    def _use(self, store):
        self._store = store
        properties = {"rows": pb.INT, "split": pb.STRING, "share": pb.DOUBLE}
        put = store.put_artifact_type
        self._types = [put(pb.ArtifactType(name=name, properties=properties)) for name in ("Table", "Model")]
        self._step = store.put_execution_type(pb.ExecutionType(name="Step", properties=properties))
        self._pipeline = store.put_context_type(pb.ContextType(name="Pipeline"))
        # Names must be new, also when another worker wrote into the same store before.
        self._prefix = f"new-{perf_counter()}"

    def _artifact(self, number=None):
        n = self._number = self._number + 1 if number is None else number
        artifact = pb.Artifact(
            type_id=self._types[n % 10 == 0],
            name=f"{self._prefix}-{n}" if number is None else f"artifact-{n}",
            uri=f"s3://bucket/part-{n:06}/data.parquet",
            state=pb.Artifact.LIVE if n % 20 < 10 else pb.Artifact.PENDING,
        )
        fill_properties(artifact.properties, n)
        return artifact

    def _execution(self):
        execution = pb.Execution(type_id=self._step, last_known_state=pb.Execution.COMPLETE)
        fill_properties(execution.properties, 1)
        return execution

    def _context(self, name):
        return pb.Context(type_id=self._pipeline, name=name)

    def _put_events(self, some):
        self._store.put_events(some)
        return []

    def _fill_layers(self, layers, width):
        edges = []
        for layer in range(1, layers):
            for place in range(width):
                number = (layer - 1) * width + place
                read = range((layer - 1) * width, layer * width)
                edges += [(number, artifact, pb.Event(type=pb.Event.INPUT)) for artifact in read]
                edges.append((number, layer * width + place, pb.Event(type=pb.Event.OUTPUT)))
        artifacts = [self._artifact() for _ in range(layers * width)]
        for number, artifact in enumerate(artifacts):
            artifact.name = f"layer-{number // width}-{number % width}"
        executions = [self._execution() for _ in range((layers - 1) * width)]
        self._store.put_lineage_subgraph(executions, artifacts, [self._context("layers")], edges)


def fill_properties(properties, n):
    # Six digits: the original keeps no more of a double.
    properties["rows"].int_value = n * 7919 % 1000
    properties["split"].string_value = "test" if n % 3 else "train"
    properties["share"].double_value = n * 104_729 % 1_000_000 / 1_000_000


def events(number, artifacts, executions):
    """Yield the events of one execution, which reads two artifacts and writes two."""
    kinds = [pb.Event.INPUT] * 2 + [pb.Event.OUTPUT] * 2
    for place, kind in enumerate(kinds):
        yield pb.Event(artifact_id=artifacts[4 * number + place], execution_id=executions[number], type=kind)


def in_pieces(all_of_them, put):
    """Put a list piece by piece, and return the ids."""
    return [i for first in range(0, len(all_of_them), PIECE) for i in put(all_of_them[first : first + PIECE])]


def timed(requests, call):
    """Return the seconds of one call."""
    return timed_answers(requests, call)[0]


def timed_answers(requests, call):
    """Return the seconds of one call, and the last answer."""
    gc.collect()
    gc.disable()
    answer = None
    start = now()
    for request in requests:
        answer = call(request)
    took = now() - start
    gc.enable()
    return took / len(requests), answer


def found(timed_nodes):
    """Return seconds and ids as an answer."""
    seconds, nodes = timed_nodes
    return {"seconds": seconds, "found": [node.id for node in nodes]}


def main():
    # Whatever a library prints must not come between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    jobs = Jobs()
    for line in sys.stdin:
        asked = json.loads(line)
        answer = getattr(jobs, asked["job"])(**asked["arguments"])
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
