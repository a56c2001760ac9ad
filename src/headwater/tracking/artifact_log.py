"""What one run reads and makes: files, and versions of data and models."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headwater.model.graph import Artifact, EventType
from headwater.model.ids import ExecutionId
from headwater.tracking import outputs
from headwater.tracking.delivery import execution_id
from headwater.tracking.metric_log import MetricLog
from headwater.tracking.reads import Reads, places_of, watch
from headwater.tracking.records import RunEntry
from headwater.tracking.session import Session


class ArtifactLog(MetricLog):
    """What a run logs as artifacts; they go to the store at once, for their bytes do not fit a journal.

    Args:
        session: Where it is logged.
        entry: The run.
        last_steps: Greatest steps of the series that the store has already.
    """

    def __init__(self, session: Session, entry: RunEntry, last_steps: Mapping[str, int]) -> None:
        super().__init__(session, entry, last_steps)
        self._session = session
        self._reads: Reads | None = None

    @property
    def id(self) -> ExecutionId:
        """The execution that the run is in the graph.

        Raises:
            UnavailableError: the store could not be reached since the run began.
        """
        return self._entry.execution_id or execution_id(self._session.store, self._entry)

    def log_artifact(self, path: str | Path, name: str | None = None) -> Artifact:
        """Store a file or folder as an output of the run.

        Args:
            path: The file or folder; its bytes are copied to the blob store.
            name: Its name in the run, by default that of the file. A name that
                was used for other bytes gets `#2`, `#3` …; nothing is replaced.

        Returns:
            The artifact, LIVE and with its digest.

        Raises:
            NotFoundError: there is no such file.
            InvalidError: the name cannot be used.
            RefusedError: the run has ended.
            UnavailableError: the store cannot be reached; artifacts do not wait in the journal.
        """
        self._check_open()
        self._declare(str(path))
        with watch.ignoring():
            return outputs.log_path(self._session, self, Path(path), name)

    def log_text(self, text: str, name: str) -> Artifact:
        """Store text as an output of the run, in UTF-8, where half a surrogate pair is written as its escape.

        Raises:
            HeadwaterError: as in `log_artifact`.
        """
        self._check_open()
        return outputs.log_bytes(
            self._session, self, text.encode("utf-8", "backslashreplace"), name, kind="text"
        )

    def log_dict(self, obj: Any, name: str) -> Artifact:
        """Store an object as JSON.

        Raises:
            InvalidError: the object, or the name, cannot be used.
            HeadwaterError: as in `log_artifact`.
        """
        self._check_open()
        return outputs.log_bytes(self._session, self, outputs.json_bytes(obj), name, kind="json")

    def log_figure(self, fig: Any, name: str) -> Artifact:
        """Store a figure of matplotlib, plotly or altair, or an image of Pillow.

        Args:
            fig: Anything with `savefig`, `write_html`, or `save`.
            name: Its suffix gives the format; without one it is PNG, or HTML for plotly and altair.

        Raises:
            InvalidError: nothing here knows how to save such an object.
            HeadwaterError: as in `log_artifact`.
        """
        self._check_open()
        data, full_name = outputs.figure_bytes(fig, name)
        return outputs.log_bytes(self._session, self, data, full_name, kind="figure")

    def use(self, thing: outputs.T, name: str | None = None) -> outputs.T:
        """Note that the run reads a data version, model version or artifact.

        Args:
            thing: A `Dataset`, `DataVersion`, `ModelVersion` or `Artifact`, or a
                reference such as `data/flights/train/2`.
            name: What the run calls this input; by default the name of the thing.

        Returns:
            What was given.

        Raises:
            NotFoundError: the reference names nothing.
            InvalidError: it is nothing that a run can read.
            RefusedError, UnavailableError: as in `log_artifact`.
        """
        self._check_open()
        self._declare(*places_of(outputs.link(self._session, self, thing, EventType.INPUT, name)))
        return thing

    def log_dataset(self, dataset: outputs.T, name: str | None = None) -> outputs.T:
        """Note that the run made a data version.

        Raises:
            HeadwaterError: as in `use`.
        """
        self._check_open()
        self._declare(*places_of(outputs.link(self._session, self, dataset, EventType.OUTPUT, name)))
        return dataset

    def _declare(self, *places: object) -> None:
        if self._reads is not None:
            self._reads.declare(places)
