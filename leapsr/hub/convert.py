"""Published weights to model folders of this package: `leapsr models convert`.

A published folder holds one network. Its autoencoder and its texts come from the folder of its base model.
The base's autoencoder is used where it lies; the texts are encoded once, so that text encoders are not needed
later.
"""

from pathlib import Path

import torch

from ..errors import UsageError, WeightsError
from ..frozen import save_book, text_encoder, write_book
from ..frozen.fingerprint import fingerprint
from ..restorer import ModelConfig, Restorer
from . import catalog
from .published import BASES, Published, published


@torch.no_grad()
def convert(
    name: str,
    weights: Path,
    out: Path,
    base: Path | None = None,
    dtype: torch.dtype = torch.bfloat16,
    device: torch.device | str = "cpu",
) -> ModelConfig:
    """Write a model folder from published weights.

    The texts are encoded before the network is read, one encoder at a time.

    Args:
        name: of PUBLISHED.
        weights: the published folder or file, or the folder that it was downloaded to.
        base: the folder of its base model; None where `weights` is one itself.
        dtype: of the written weights.
        device: where texts are encoded.

    Raises:
        UnknownName: there is no such published model.
        UsageError: a base is given but not needed.
        WeightsError: something is missing; the message has the command that gets it.
        OutputError: the folder cannot be written.
    """
    known = published(name)
    place = _place(name, known, weights)
    if base is None and known.base and (place / "model_index.json").is_file():
        base = place
    if base is not None and not known.base:
        raise UsageError(f"{name} needs no base model; leave --base out.")
    if known.base and base is None:
        raise WeightsError(
            f"{name} needs the folder of its base model: {BASES[known.base].download(Path(known.base))}; "
            f"then add --base {known.base}."
        )
    fields = dict(known.model)
    texts = out / f"{catalog.PROMPTS}.new"
    if base is not None:
        fields["autoencoder"] = str(base.resolve())
        fingerprint(base)  # raises now if there is none
    if known.texts:
        assert base is not None
        encoder = text_encoder(base, dtype=torch.float32, after="release")
        save_book(write_book(encoder, known.texts, device), texts)
        fields["prompts"] = str(texts.resolve())
    try:
        network = known.read(place, base)
        config = ModelConfig(network=network.config, licence=known.licence, **fields)
        Restorer(config, network).save_pretrained(out, dtype)
    finally:
        texts.unlink(missing_ok=True)
    (out / catalog.CARD).write_text(_card(name, known, base, config), encoding="utf-8")
    catalog.write_checksums(out)
    return config


def _place(name: str, known: Published, weights: Path) -> Path:
    """The file or folder to read. Raises WeightsError where it is missing."""
    place = weights / known.place if known.place and (weights / known.place).exists() else weights
    if place.exists():
        return place
    if known.repository is None:
        raise WeightsError(f"There is nothing at {weights}; get the weights of {name} from {known.origin}.")
    raise WeightsError(
        f"There is nothing at {weights}; get the weights of {name} by 'leapsr models download {name}' or "
        f"{known.repository.download(weights)}."
    )


def _card(name: str, known: Published, base: Path | None, config: ModelConfig) -> str:
    places = f"The autoencoder is read from `{base}`.\n" if base is not None else ""
    stated = f", stated on {known.repository.page}" if known.repository is not None else ""
    return (
        f"# {name}\n\n{known.what}, converted from {known.origin}.\n\n"
        f"Licence of the weights: {known.licence}{stated}. What you make with them may fall under it.\n"
        f"{places}\nUnless asked otherwise: {config.defaults}.\n"
    )
