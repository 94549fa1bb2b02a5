"""The launch files of docs/accelerate are ones that accelerate reads, and say what docs/full-size.md says."""

import pytest
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.utils import DistributedType

from leapsr.errors import ConfigError
from leapsr.networks.mmdit import blocks
from leapsr.train.accelerator import check_data_parallel
from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "docs" / "accelerate"


def read(name):
    return load_config_from_file(str(FOLDER / f"{name}.yaml"))


@pytest.mark.parametrize(
    ("name", "machines", "processes", "kind"),
    [
        ("eight_gpus", 1, 8, DistributedType.MULTI_GPU),
        ("two_times_eight_gpus", 2, 16, DistributedType.MULTI_GPU),
        ("fsdp2", 1, 8, DistributedType.FSDP),
    ],
)
def test_accelerate_reads_it(name, machines, processes, kind):
    found = read(name)
    assert (found.num_machines, found.num_processes, found.distributed_type) == (machines, processes, kind)


def test_every_file_is_tried():
    assert {file.stem for file in FOLDER.iterdir()} == {"eight_gpus", "two_times_eight_gpus", "fsdp2"}


def test_fsdp_wraps_a_class_that_there_is():
    settings = read("fsdp2").fsdp_config
    assert settings["fsdp_version"] == 2
    assert hasattr(blocks, settings["fsdp_transformer_layer_cls_to_wrap"])


def test_training_accepts_whole_weights_only():
    for name in ("eight_gpus", "two_times_eight_gpus"):
        check_data_parallel(read(name).distributed_type)
    with pytest.raises(ConfigError, match=r"FSDP does not.*MULTI_GPU"):
        check_data_parallel(read("fsdp2").distributed_type)
