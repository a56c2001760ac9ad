"""Logged models and registered models of MLflow's folder."""

from pathlib import Path
from typing import Final

from headwater.compat.mlflow.importing.files import files_below, in_place
from headwater.compat.mlflow.importing.gathered import Gathered
from headwater.compat.mlflow.importing.metadata import folders_in, noted, read_metadata, read_values
from headwater.compat.mlflow.importing.points import read_points

VERSION: Final = "version-"


def read_logged_models(folder: Path, experiment: int, rows: Gathered, damaged: list[str]) -> None:
    """Read the logged models of an experiment.

    Args:
        folder: The `models` folder of the experiment, which need not be there.
        experiment: Whose they are.
        rows: Takes what is read.
        damaged: Told of files that cannot be read.
    """
    for each in folders_in(folder):
        with noted(damaged):
            _add_logged(each, experiment, rows, damaged)


def read_registry(folder: Path, rows: Gathered, damaged: list[str]) -> None:
    """Read the registered models.

    Args:
        folder: The `models` folder beside the experiments, which need not be there.
        rows: Takes what is read.
        damaged: Told of files that cannot be read.
    """
    for each in folders_in(folder):
        with noted(damaged):
            name = _add_registered(each, rows, damaged)
            for version in folders_in(each):
                if version.name.startswith(VERSION):
                    with noted(damaged):
                        _add_version(version, name, rows, damaged)


def _add_logged(folder: Path, experiment: int, rows: Gathered, damaged: list[str]) -> None:
    meta = read_metadata(folder)
    model = meta.text("model_id")
    location = meta.text("artifact_location")
    rows.add(
        "logged_models",
        model_id=model,
        experiment_id=experiment,
        name=meta.text("name"),
        artifact_location=in_place(folder / "artifacts", location),
        creation_timestamp_ms=meta.number("creation_timestamp"),
        last_updated_timestamp_ms=meta.number("last_updated_timestamp"),
        status=meta.number("status"),
        lifecycle_stage=meta.text_or_none("lifecycle_stage") or "active",
        model_type=meta.text_or_none("model_type"),
        source_run_id=meta.text_or_none("source_run_id"),
    )
    for part in ("tag", "param"):
        values = read_values(folder / f"{part}s", damaged)
        rows.add_pairs(f"logged_model_{part}s", values, prefix=f"{part}_", model_id=model)
    for key, path in files_below(folder / "metrics"):
        for time_ms, value, step, rest in read_points(path, damaged):
            run, _, dataset = rest.partition(" ")
            # Digests have no spaces; names may.
            name, _, digest = dataset.rpartition(" ")
            rows.add(
                "logged_model_metrics",
                model_id=model,
                metric_name=key,
                metric_timestamp_ms=time_ms,
                metric_step=step,
                metric_value=value,
                run_id=run,
                dataset_name=name,
                dataset_digest=digest,
            )


def _add_registered(folder: Path, rows: Gathered, damaged: list[str]) -> str:
    meta = read_metadata(folder)
    name = meta.text("name")
    rows.add(
        "registered_models",
        name=name,
        creation_time=meta.number_or_none("creation_timestamp"),
        last_updated_time=meta.number_or_none("last_updated_timestamp"),
        description=meta.text_or_none("description"),
    )
    rows.add_pairs("registered_model_tags", read_values(folder / "tags", damaged), name=name)
    for alias, version in read_values(folder / "aliases", damaged).items():
        if version.strip().isdecimal():
            rows.add("registered_model_aliases", name=name, alias=alias, version=version.strip())
        else:
            damaged.append(f"{folder / 'aliases' / alias} is damaged: {version[:80]!r} is no version")
    return name


def _add_version(folder: Path, name: str, rows: Gathered, damaged: list[str]) -> None:
    meta = read_metadata(folder)
    version = meta.number("version")
    rows.add(
        "model_versions",
        name=name,
        version=version,
        creation_time=meta.number_or_none("creation_timestamp"),
        last_updated_time=meta.number_or_none("last_updated_timestamp"),
        description=meta.text_or_none("description"),
        current_stage=meta.text_or_none("current_stage") or "None",
        source=meta.text_or_none("source"),
        run_id=meta.text_or_none("run_id"),
        run_link=meta.text_or_none("run_link"),
        storage_location=meta.text_or_none("storage_location"),
    )
    rows.add_pairs("model_version_tags", read_values(folder / "tags", damaged), name=name, version=version)
