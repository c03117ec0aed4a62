"""Completion of names in a shell."""

import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete

from meva_core import cli


def completed(command, *words):
    """The words that a shell offers in place of the last one."""
    *before, last = words
    return [item.value for item in ShellComplete(command, {}, "meva", "_MEVA_COMPLETE").get_completions(before, last)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["run", "--game", "ip"], ["ipd"]),
        (["run", "--game", "ipd", "--learner", "loo"], ["lookahead"]),
        (["run", "--opponent", "naive", "--opponent", "lol"], ["lola"]),
        (["run", "--policy", "mlp,gr"], ["mlp,gru"]),
        (["run", "--value-model", "f"], ["fingerprint"]),
        (["run", "--evaluate", "default,pol"], ["default,polytope"]),
        (["tournament", "--game", "ch"], ["chicken"]),
        (["tournament", "--learners", "naive,lol"], ["naive,lola"]),
        (["show", "pub"], ["public_goods"]),
        (["show", "learner", "m_m"], ["m_maml"]),
        (["cite", "public_g"], ["public_goods"]),
        (["reproduce", "figure-2"], ["figure-2a", "figure-2b"]),
        (["run", "--log", "w"], ["wandb"]),
        (["sweep", "--executor", "da"], ["dask"]),
        (["doc"], ["doctor"]),
    ],
    ids=" ".join,
)
def test_names_are_completed(words, found):
    assert completed(cli.group, *words) == found


def test_folders_are_completed_where_no_name_is(tmp_path):
    [item] = ShellComplete(cli.group, {}, "meva", "_MEVA_COMPLETE").get_completions(["cite"], "runs/ip")
    assert (item.value, item.type) == ("runs/ip", "dir")


def test_a_broken_plugin_says_nothing_in_the_middle_of_a_line(fake_plugin, capfd):
    fake_plugin("broken", "1 / 0")
    assert completed(cli.run_command, "--game", "ip") == ["ipd"]
    assert capfd.readouterr() == ("", "")


def test_it_is_quick():
    """A shell waits for it, so that it loads no jax."""
    script = (
        "import sys\nfrom click.shell_completion import ShellComplete\nfrom meva_core import cli\n"
        "ShellComplete(cli.run_command, {}, 'meva-run', '_').get_completions(['--game'], '')\n"
        "sys.exit('jax' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
