"""Download published weights from the Hugging Face hub."""

from pathlib import Path
from typing import cast

from ..errors import WeightsError
from .repositories import Repository


def download(repository: Repository, folder: Path, place: str = "") -> None:
    """Download the needed files of a repository to `folder`. Continues interrupted downloads.

    place: a file or folder that must be there afterwards.
    Raises WeightsError with the reason and the command that does the same.
    """
    import huggingface_hub as hub

    # Of its HTTP library, which differs between versions.
    client_errors = cast(tuple[type[Exception], ...], hub.errors.HfHubHTTPError.__bases__)
    failures: tuple[type[Exception], ...] = (OSError, *client_errors)
    try:
        # Ask the hub first: offline, snapshot_download would take an incomplete folder for the whole.
        revision = hub.HfApi().model_info(repository.name).sha
        hub.snapshot_download(
            repository.name,
            revision=revision,
            local_dir=folder,
            allow_patterns=list(repository.include) or None,
            ignore_patterns=list(repository.exclude) or None,
        )
    except hub.errors.GatedRepoError as error:
        raise WeightsError(
            f"{repository.name} is given to those who accept its licence: accept it on {repository.page}, "
            f"run 'hf auth login', then {repository.command(folder)}."
        ) from error
    except hub.errors.RepositoryNotFoundError as error:
        raise WeightsError(
            f"There is no {repository.name} on the hub, or you are not shown it: look at {repository.page}, "
            f"run 'hf auth login', then {repository.command(folder)}."
        ) from error
    except failures as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise WeightsError(
            f"{repository.name} could not be downloaded ({reason}): where there is a network, "
            f"{repository.command(folder)}, and the same command goes on where it was cut short."
        ) from error
    if place and not (folder / place).exists():
        raise WeightsError(
            f"{repository.name} has no {place} any more: look at {repository.page} for its new place."
        )
