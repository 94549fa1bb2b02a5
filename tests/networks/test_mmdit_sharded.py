"""Two processes that share out a student's weights train it as one process would."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("diffusers", reason="needs leapsr[sd]")
pytest.importorskip("peft", reason="needs leapsr[sd]")


def test_a_student_that_is_shared_out_has_the_same_gradients_and_steps():
    """SMFSR, and MFSR with its derivative, both with checkpoints."""
    words = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--master_port=29514"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    words += ["-m", "tests.networks.sharded"]
    done = subprocess.run(words, env=environment, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr.decode()
