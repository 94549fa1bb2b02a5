import os
import subprocess
import sys

import pytest


def completed(*words, **environment):
    line = " ".join(("leapsr", *words))
    asked = {"_LEAPSR_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words))}
    return run({**asked, **environment}).split()


def run(environment, *arguments):
    """In a process of its own, as a shell does it; torch must not be loaded, or Tab would be slow."""
    code = (
        "import sys; from leapsr.cli.main import main\n"
        f"sys.argv = ['leapsr', *{list(arguments)!r}]\n"
        "try: main()\n"
        "finally: assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.stdout


def test_verbs():
    assert {"upscale", "train", "doctor"} <= set(completed(""))


def test_options():
    assert completed("upscale", "--skip-e") == ["--skip-existing"]


def test_models(tiny_model):
    known = completed("upscale", "-n", "leap-small")
    assert "leap-small" in known
    assert all(name.startswith("leap-small") for name in known)
    assert "tiny" in completed("upscale", "-m", str(tiny_model.parent), "-n", "t")
    assert "leap-small" in completed("models", "info", "leap")
    assert completed("upscale", "-m", "/nowhere", "-n", "leap") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_each_shell(shell):
    script = run({"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}, "--show-completion", shell)
    assert "_LEAPSR_COMPLETE=complete_" + shell in script


def test_installing_it(tmp_path):
    run(
        {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "HOME": str(tmp_path)},
        "--install-completion",
        "bash",
    )
    assert "leapsr" in (tmp_path / ".bashrc").read_text()
