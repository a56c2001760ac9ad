"""Where a version stands: what gates say, what people say, what is intended, and what runs."""

from collections.abc import Mapping
from dataclasses import dataclass

from headwater.model.approvals import ApprovalRequest
from headwater.model.models import Deprecation, ModelVersion
from headwater.model.verdicts import Deployment, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionStatus:
    """Four facts about a version, kept apart.

    Attributes:
        verdicts: The newest verdict by gate.
        requests: Its approval requests, oldest first.
        stage: The intended stage.
        aliases: The intended aliases.
        deployments: Where it was seen last, by target.
        disagreements: Where what is intended is not what was seen, in words.
    """

    version: ModelVersion
    verdicts: Mapping[str, Verdict]
    requests: tuple[ApprovalRequest, ...]
    stage: str
    aliases: tuple[str, ...]
    deployments: tuple[Deployment, ...]
    disagreements: tuple[str, ...]

    @property
    def deprecation(self) -> Deprecation | None:
        """Why nobody should use it any more, if so."""
        return self.version.deprecation


def status_of(
    version: ModelVersion,
    verdicts: Mapping[str, Verdict],
    requests: list[ApprovalRequest],
    deployments: list[Deployment],
    exclusive: frozenset[str],
) -> VersionStatus:
    """Put the facts about a version together.

    Args:
        version: The version.
        verdicts: The newest by gate.
        requests: All of its requests.
        deployments: What was seen last of its model at each target.
        exclusive: The stages whose one holder is meant to run.
    """
    mine = tuple(each for each in deployments if each.version == version.version)
    return VersionStatus(
        version=version,
        verdicts=verdicts,
        requests=tuple(requests),
        stage=version.stage,
        aliases=version.aliases,
        deployments=mine,
        disagreements=tuple(_disagreements(version, deployments, is_meant=version.stage in exclusive)),
    )


def _disagreements(version: ModelVersion, seen: list[Deployment], *, is_meant: bool) -> list[str]:
    found = list[str]()
    for each in seen:
        if each.version == version.version and not is_meant:
            found.append(f"{version.ref} runs at {each.target}, but is in {version.stage}")
        elif is_meant and each.version is None:
            found.append(f"{version.ref} is in {version.stage}, but was taken away from {each.target}")
        elif is_meant and each.version != version.version:
            found.append(
                f"{version.ref} is in {version.stage}, but version {each.version} runs at {each.target}"
            )
    if is_meant and not seen:
        found.append(f"{version.ref} is in {version.stage}, but was not seen anywhere")
    return found
