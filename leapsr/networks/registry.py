"""The table of all networks: the kind that a config names, its config class and its network class."""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, SerializeAsAny

from ..plugins import find_row, parse_config
from .adm.guided_unet import GuidedUNet, GuidedUNetConfig
from .adm.swin_unet import SwinUNet, SwinUNetConfig
from .base import Network, NetworkConfigBase, Notice
from .mmdit.config import MMDiTConfig
from .pixel.unet import UNet, UNetConfig
from .sd21.unet import SD21, SD21Config


def _mmdit() -> type[Network]:
    from .mmdit.network import MMDiT  # needs diffusers

    return MMDiT


class Row(NamedTuple):
    """One network. load: returns the network's class, and imports what it needs."""

    config: type[NetworkConfigBase]
    load: Callable[[], type[Network]]


NETWORKS: dict[str, Row] = {
    "unet": Row(UNetConfig, lambda: UNet),
    "mmdit": Row(MMDiTConfig, _mmdit),
    "guided_unet": Row(GuidedUNetConfig, lambda: GuidedUNet),
    "swin_unet": Row(SwinUNetConfig, lambda: SwinUNet),
    "sd21": Row(SD21Config, lambda: SD21),
}


def register(config: type[NetworkConfigBase], network: type[Network]) -> None:
    """Make a network of another package known, by the default of its config's `kind`.

    Raises ValueError where that kind is another network already.
    """
    kind = config.model_fields["kind"].default
    if kind in NETWORKS and NETWORKS[kind].config is not config:
        raise ValueError(f"the network '{kind}' is already {NETWORKS[kind].config.__qualname__}")
    NETWORKS[kind] = Row(config, lambda: network)


def _parse(value: Any) -> Any:
    return parse_config("network", value, NETWORKS)


NetworkConfig = Annotated[SerializeAsAny[NetworkConfigBase], BeforeValidator(_parse)]
"""A field of this type holds the config of any network of the table, chosen by its `kind`."""


def network_class(config: NetworkConfigBase) -> type[Network]:
    """Raises MissingExtra where the kind needs a library that is not installed."""
    return find_row("network", config.kind, NETWORKS).load()


def build(config: NetworkConfigBase) -> Network:
    """With random weights. Raises MissingExtra as `network_class` does."""
    return network_class(config)(config)


def init_from(
    config: NetworkConfigBase, origin: Network, share: bool = False, notice: Notice = lambda text: None
) -> Network:
    """See `Network.init_from`."""
    return network_class(config).init_from(config, origin, share, notice)
