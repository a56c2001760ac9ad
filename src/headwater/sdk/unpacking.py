"""Laying out in a folder what it takes to make a thing again."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final

from headwater.errors import ConflictError, CorruptError, InvalidError, NotFoundError
from headwater.model import builtin
from headwater.model.blobs import FILE_SCHEME, FOLDER_SCHEME
from headwater.model.ids import ArtifactId, ExecutionId
from headwater.provenance.history import Material, Step
from headwater.provenance.kit import Kit, KitInput
from headwater.provenance.wording import short
from headwater.sdk.histories import Reading
from headwater.sdk.records import inputs_of
from headwater.sdk.sources import Sources
from headwater.tracking.session import without_password

_SECRET: Final = "***"


def unpack(sources: Sources, reading: Reading, folder: Path) -> Kit:
    """Lay out code, changes, packages, params and inputs of the run that made something.

    Raises:
        InvalidError: nothing tells what made it.
        ConflictError: the folder is there and not empty.
        UnavailableError: the bytes cannot be reached.
    """
    maker = reading.history.maker
    if maker is None:
        raise InvalidError(f"nothing tells what made {reading.history.ref}, so there is nothing to lay out")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConflictError(f"{folder} is there already: name a new or an empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    return _Unpacking(sources, reading, maker, folder).kit()


class _Unpacking:
    def __init__(self, sources: Sources, reading: Reading, maker: Step, folder: Path) -> None:
        self._sources, self._reading, self._maker, self._folder = sources, reading, maker, folder
        self._lacks: list[str] = []

    def kit(self) -> Kit:
        """Lay everything out, and say what there is."""
        commit = self._code()
        params = self._reading.history.params or self._maker.params
        made = Kit(
            ref=self._reading.history.ref,
            maker=self._maker.ref,
            folder=str(self._folder),
            store=without_password(self._sources.store.url),
            commit=commit,
            is_patched=self._patch() if commit else False,
            command=self._command(),
            python=_text(self._maker.captured.get("python_version")),
            packages=self._packages(),
            params=self._write_json("params.json", params),
            inputs=[*self._inputs()],
            lacks=self._lacks,
        )
        (self._folder / "REBUILD.md").write_text(made.markdown(), encoding="utf-8")
        (self._folder / "kit.json").write_text(json.dumps(made.json(), indent=2), encoding="utf-8")
        return made

    def _code(self) -> str | None:
        # Runs git as a program of its own, which most questions do not need.
        from headwater.tracking.checkout import check_out
        from headwater.tracking.git import GitError

        commit, remote = self._maker.commit, _text(self._maker.captured.get("git_remote"))
        if commit is None:
            self._lacks.append("the commit of its code was not captured")
            return None
        try:
            check_out(self._sources.folder, commit, self._folder / "code", remote=remote)
        except GitError as error:
            # No half of it: what lies there is the code, or nothing is.
            shutil.rmtree(self._folder / "code", ignore_errors=True)
            where = f"; it came from {remote}" if remote else ""
            self._lacks.append(f"its code, commit {short(commit)}: {error}{where}")
            return None
        return commit

    def _patch(self) -> bool:
        from headwater.tracking.checkout import apply_patch
        from headwater.tracking.git import GitError

        captured = self._maker.captured
        if not captured.get("git_is_dirty"):
            return False
        data = self._sources.read(captured.get("git_diff_digest"))
        if data is None:
            self._lacks.append("the changes to its code that were not committed")
            return False
        patch = self._folder / "uncommitted.patch"
        patch.write_bytes(data)
        try:
            apply_patch(self._folder / "code", patch)
        except GitError as error:
            self._lacks.append(f"uncommitted.patch does not fit the code: {error}")
            return False
        return True

    def _command(self) -> list[str]:
        program, arguments = _text(self._maker.captured.get("entry_point")), self._maker.arguments
        if program is None or program.startswith("("):
            return self._pipeline()
        if any(_SECRET in each for each in arguments):
            self._lacks.append(
                f"the arguments that stand as {_SECRET}: they looked secret, and were not kept"
            )
        if program.startswith("-m "):
            return ["python", "-m", program.removeprefix("-m "), *arguments]
        if found := _inside(self._folder / "code", program):
            return ["python", found, *arguments]
        # A program that is installed, such as headwater itself, is found by its name.
        name = _name(program)
        if name.endswith(".py"):
            self._lacks.append(f"{name}, which was started, is not in the code")
        return [name, *arguments]

    def _pipeline(self) -> list[str]:
        """Return what runs the pipeline of which the maker was a step."""
        store = self._sources.store
        ties = store.links.contexts_of_executions([ExecutionId(self._maker.id)])
        groups = store.contexts.get([tie.context_id for tie in ties])
        runs = [group for group in groups if group.type_name == builtin.PIPELINE_RUN.name]
        if not runs:
            self._lacks.append("how it was started")
            return []
        entry, params = _text(runs[0].properties.get("entry")) or "", runs[0].properties.get("params")
        place, _, name = entry.rpartition(":")
        file = _file_of_code(self._folder / "code", place)
        if file is None:
            self._lacks.append(f"the file of its pipeline, {entry or runs[0].name}")
            return []
        given = params if isinstance(params, dict) else {}
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}
        words = [word for key, value in texts.items() for word in ("--param", f"{key}={value}")]
        return ["headwater", "pipeline", "run", f"{file}:{name}", "--no-cache", *words]

    def _packages(self) -> int:
        packages = self._maker.packages
        if packages is None:
            self._lacks.append("which packages were installed")
            return 0
        lines = [f"{name}=={version}\n" for name, version in sorted(packages.items())]
        (self._folder / "requirements.txt").write_text("".join(lines), encoding="utf-8")
        return len(lines)

    def _write_json(self, name: str, values: Mapping[str, object]) -> int:
        if values:
            text = json.dumps(dict(values), indent=2, default=str)
            (self._folder / name).write_text(text, encoding="utf-8")
        return len(values)

    def _inputs(self) -> Iterator[KitInput]:
        read = inputs_of(self._reading)
        if not read:
            self._lacks.append("what it read was not declared")
        formats = self._formats([material for material, _ in read])
        for material, called in read:
            yield self._input(material, called, formats.get(material.id))

    def _formats(self, materials: Sequence[Material]) -> Mapping[int, str]:
        ids = [ArtifactId(material.id) for material in materials]
        found = {
            artifact.id: artifact.properties.get("format")
            for artifact in self._sources.store.artifacts.get(ids)
        }
        return {number: name for number, name in found.items() if isinstance(name, str)}

    def _input(self, material: Material, called: str, suffix: str | None) -> KitInput:
        name = called or material.name
        digest = material.stored_digest or material.digest or ""
        path = None
        scheme = digest.partition(":")[0]
        if scheme in {FILE_SCHEME, FOLDER_SCHEME}:
            place = Path("inputs") / _file_name(material.ref)
            if (self._folder / place).exists():
                place = place.with_name(f"{place.name}-{material.id}")
            if scheme == FILE_SCHEME:
                place /= _file_of(material.source, suffix)
            try:
                self._sources.blobs().fetch(digest, self._folder / place)
                path = place.as_posix()
            except (NotFoundError, CorruptError) as error:
                self._lacks.append(f"the bytes of {material.ref}: {error}")
        elif material.source:
            self._lacks.append(f"the bytes of {material.ref}, which stay at {material.source}")
        else:
            self._lacks.append(f"the bytes of {material.ref} were not kept")
        return KitInput(name=name, ref=material.ref, path=path, source=material.source)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _name(program: str) -> str:
    return PureWindowsPath(program).name if "\\" in program else PurePosixPath(program).name


def _inside(code: Path, program: str) -> str | None:
    """Return where a program of another folder lies in the code: the longest end of its path there."""
    parts = (PureWindowsPath(program) if "\\" in program else PurePosixPath(program)).parts
    ends = [PurePosixPath(*parts[start:]) for start in range(len(parts))]
    plain = (end for end in ends if not end.is_absolute() and ".." not in end.parts)
    return next((str(end) for end in plain if (code / end).is_file()), None)


def _file_of_code(code: Path, place: str) -> str | None:
    """Return the file of the code that a file of another folder, or a module, is."""
    if place.endswith(".py"):
        return _inside(code, place)
    module = f"{place.replace('.', '/')}.py"
    return next((file for file in (module, f"src/{module}") if (code / file).is_file()), None)


def _file_name(ref: str) -> str:
    """Return a reference as the name of a folder."""
    return re.sub(r"[^\w.-]+", "-", ref.partition("/")[2]).strip("-.") or "input"


def _file_of(source: str | None, suffix: str | None) -> str:
    name = _name(source) if source and re.fullmatch(r"[^\s:]*/[\w.-]+\.\w+", source) else ""
    return name or (f"data.{suffix}" if suffix and suffix.isalnum() else "data")
