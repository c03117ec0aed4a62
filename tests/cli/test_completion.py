"""Completion of names in a shell."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from meva_core import cli
from meva_core.cli import shells


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


LEARNERS = "tit_for_tat,extortion:factor=2,lol"


@pytest.mark.parametrize(
    ("shell", "words", "found"),
    [
        (shells.Bash, ["run", "--game", "=", "ip"], "plain,ipd"),
        (shells.Bash, ["run", "--log", "="], "plain,tensorboard\nplain,wandb"),
        (shells.Bash, ["run", "--game=ipd", "--log=w"], "plain,wandb"),
        (shells.Bash, ["tournament", "--learners", *re.split("([=:])", LEARNERS)], "plain,2,lola"),
        (shells.Bash, ["tournament", "--learners", LEARNERS], f"plain,{LEARNERS}a"),  # without : in COMP_WORDBREAKS
        (shells.Bash, ["report", ""], "file,"),
        (shells.Zsh, ["run", "--game=ip"], "plain\n--game=ipd\n_"),
        (shells.Zsh, ["run", "--game", "ip"], "plain\nipd\n_"),
        (shells.Zsh, ["tournament", "--learners", LEARNERS], f"plain\n{LEARNERS}a\n_"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_words_with_breaks_are_completed(shell, words, found, monkeypatch):
    """Words as both shells give them; what is found replaces the last part in bash, and the whole word in zsh."""
    monkeypatch.setenv("COMP_WORDS", "\n".join(["meva", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    assert shell(cli.group, {}, "meva", "_MEVA_COMPLETE").complete() == found


def test_zsh_completes_paths_after_an_option():
    """It completes them itself, in the word without `--resume=`."""
    script = shells.Zsh(cli.group, {}, "meva", "_MEVA_COMPLETE").source()
    assert script.count("compset -P 1 '--*='; _path_files") == script.count("_path_files") == 2


def test_bash_itself():
    script = (
        'eval "$(_MEVA_RUN_COMPLETE=bash_source meva-run)"; COMP_WORDS=(meva-run --game = ip); COMP_CWORD=3; '
        '_meva_run_completion meva-run; echo "${COMPREPLY[@]}"'
    )
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    told = subprocess.run(["bash", "-c", script], env={**os.environ, "PATH": path}, capture_output=True, text=True)
    assert told.stdout == "ipd\n", told.stderr


def test_it_is_quick():
    """A shell waits for it, so that it loads no jax."""
    script = (
        "import sys\nfrom click.shell_completion import ShellComplete\nfrom meva_core import cli\n"
        "for words in (['run', '--game'], ['reproduce']):\n"
        "    assert ShellComplete(cli.group, {}, 'meva', '_').get_completions(words, '')\n"
        "sys.exit('jax' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
