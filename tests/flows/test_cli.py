"""The command: exit codes, one paragraph for an error, JSON and nothing else, help with examples."""

import json
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from artifacts.store import Store
from flows.cli import _guarded, app
from flows.dag import STEPS
from tests.flows.processes import ROOT, as_json, environment, graft
from tests.flows.tiny import ORDER, statuses


def call(*arguments: str) -> int:
    return _guarded(list(arguments))


COMMANDS = typer.main.get_command(app).commands


def examples(*command: str) -> list[str]:
    """The lines below "Examples" in a command's help, as a wide terminal shows them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "300")
        shown = CliRunner().invoke(app, [*command, "--help"], prog_name="graft")
    assert shown.exit_code == 0
    _, _, below = shown.output.partition("Examples")
    return [line.strip() for line in below.splitlines() if line.strip()]


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_help_has_examples_that_the_command_takes(command: str) -> None:
    lines = examples(command)
    assert lines
    for line in lines:
        program, name, *words = shlex.split(line.split(" > ")[0])  # what a shell would do with the output aside
        assert (program, name) == ("graft", command)
        COMMANDS[name].make_context(name, words)


def test_the_help_of_graft_itself_has_examples() -> None:
    lines = [shlex.split(line) for line in examples()]
    assert len(lines) >= 3
    for program, name, *words in lines:
        assert program == "graft" and (name in COMMANDS or (name, words) == ("COMMAND", ["--help"]))
        if name in COMMANDS:
            COMMANDS[name].make_context(name, words)


def test_an_example_that_the_command_does_not_take_would_be_seen() -> None:
    with pytest.raises(Exception, match="No such option: --no-such-option"):
        COMMANDS["runs"].make_context("runs", ["--no-such-option"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "quickstrat"), "did you mean `quickstart`"),
        (("run", "quickstart", "--set", "fine_tune.learning_rte=1"), "`fine_tune.learning_rate`"),
        (("run", "quickstart", "--set", "fine_tune.learning_rate=nan"), "`fine_tune.learning_rate`"),
        (("run", "quickstart", "--set", "nonsense"), "key=value"),
        (("run", "quickstart", "--force", "fine_tun"), "Did you mean `fine_tune`?"),
        (("run", "quickstart", "--force", "freeze,fine_tune"), "--force freeze --force fine_tune"),
        (("plan", "quickstart", "--set", "unfreeze.layers=9"), "9"),
        (("plan", "./nowhere.yaml"), "nowhere.yaml"),
        (("run", "quickstart", "--bogus"), "--bogus (Possible options: --verbose). See `graft run --help`."),
        (("run",), "Missing argument 'recipe'. See `graft run --help`."),
        (("plan", "quickstart", "freeze"), "(freeze). See `graft plan --help`."),
        (("gc", "--keep", "few"), "'--keep'"),
        (("rn",), "'rn'"),
    ],
)
def test_bad_usage_is_one_paragraph_on_standard_error_and_exit_code_2(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
    assert err.startswith("graft: ")


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize(("name", "value"), [("GRAFT_DEVICE", "tpu"), ("GRAFT_THREADS", "many")])
def test_a_bad_setting_in_the_environment_is_said_before_anything_runs(
    command: str,
    name: str,
    value: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    store: Store,
) -> None:
    monkeypatch.setenv(name, value)
    assert call(command, "quickstart") == 2
    assert f"{name}: expected" in capsys.readouterr().err
    assert not store.root.exists()


def test_a_store_that_is_a_file_is_said_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GRAFT_STORE", str(tmp_path / "file"))
    assert call("plan", "quickstart") == 2
    assert "GRAFT_STORE: expected a folder" in capsys.readouterr().err


def test_the_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--version") == 0
    assert capsys.readouterr().out == f"graft {version('graft')}\n"


def test_a_bare_graft_is_bad_usage_that_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert call() == 2
    out, err = capsys.readouterr()
    assert "Usage: graft" in out and "verify" in out
    assert err == ""


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "quickstrat", "--debug") == 2
    assert "Traceback" in capsys.readouterr().err


def test_from_with_nothing_in_the_store_says_run_first_and_prints_the_object(
    tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("run", tiny, "--from", "fine_tune", "--json") == 1
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert set(statuses(result).values()) == {"skipped"}
    assert (result["state"], result["metrics"], result["report"]) == ("refused", {}, None)
    assert "first" in err


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_file_that_is_not_there_is_said_and_the_object_is_printed(
    command: str, tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(tiny).with_name("tiny.npz").unlink()
    assert call(command, tiny, "--json") == 1
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert list(statuses(result).values()) == ["skipped"] * len(ORDER)
    assert (result["state"], result["metrics"], result["report"]) == ("refused", {}, None)
    assert "no such file" in err


def test_a_server_that_does_not_answer_is_said_by_its_setting_and_the_object_is_printed(tiny: str) -> None:
    done = graft("run", tiny, "--json", PREFECT_API_URL="http://127.0.0.1:9/api")
    assert done.returncode == 1
    assert set(statuses(as_json(done)).values()) == {"skipped"}
    assert "PREFECT_API_URL is http://127.0.0.1:9/api" in done.stderr and "Traceback" not in done.stderr


def test_a_screen_that_lacks_a_sign_fails_no_run(finished: str) -> None:
    done = graft("plan", finished, "--set", "fine_tune.learning_rate=0.5", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "0.001 ? 0.5" in done.stdout


def test_a_closed_standard_output_is_no_traceback(finished: str) -> None:
    line = f"{shlex.quote(sys.executable)} -m flows.cli recipes >&-"
    done = subprocess.run(["sh", "-c", line], env=environment(), cwd=ROOT, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


def test_plan_as_json_has_every_step_with_its_reason(tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("plan", tiny, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert [entry["step"] for entry in result["steps"]] == list(ORDER)
    assert result["steps"][0]["reason"] == "never ran"
    assert result["steps"][0]["key"].startswith("sha256:")
    assert set(result["steps"][0]) == {"step", "status", "reason", "seconds", "key", "artifact", "outputs"}


def test_plan_of_data_that_is_not_here_has_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "mnist.yaml"
    recipe.write_text("source: {dataset: mnist}\ntarget: {dataset: mnist}\n")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert call("plan", str(recipe), "--json") == 0
    first = json.loads(capsys.readouterr().out)["steps"][0]
    assert (first["key"], first["status"]) == (None, "run")
    assert "fetched" in first["reason"]


def test_recipes_are_listed_printed_whole_and_described_by_a_schema(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("recipes") == 0
    listed = capsys.readouterr().out
    assert [line.split()[0] for line in listed.splitlines()][0] == "quickstart"
    assert call("recipes", "fashion-mnist-dense") == 0
    whole = tmp_path / "whole.yaml"
    whole.write_text(capsys.readouterr().out)
    assert "batch_norm_momentum: 0.9" in whole.read_text()
    assert call("plan", str(whole)) == 0
    capsys.readouterr()
    assert call("recipes", "--schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "graft recipe"


def test_verify_of_an_empty_store_finds_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("verify", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"artifacts": 0, "executions": 0, "problems": []}


def test_verify_names_the_damage_and_the_command_that_mends_it(
    finished: str, store: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    victim = next((tmp_path / "store" / "artifacts" / "history").glob("*/history.csv"))
    victim.write_text("")
    assert call("verify", "--json") == 1
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert any(str(victim) in problem["what"] for problem in problems)
    assert all(f"graft run {finished}" in problem["mend"] for problem in problems)
    assert call("verify") == 1
    assert "mend it: graft run" in capsys.readouterr().out


def test_a_failed_run_prints_the_object_says_why_and_exits_1(harness: None, tiny: str) -> None:
    from prefect.settings import PREFECT_API_URL

    bad = ("--set", "target.labels=161")  # only the file knows that it has fewer
    done = graft("run", tiny, *bad, "--json", PREFECT_API_URL=str(PREFECT_API_URL.value()))
    assert done.returncode == 1
    result = as_json(done)
    assert statuses(result)["load_data.target"] == "failed"
    assert statuses(result)["report"] == "skipped"
    assert (result["metrics"], result["report"]) == ({}, None)
    assert "Traceback" not in done.stderr
    assert "graft: " in done.stderr


def test_a_run_for_people_shows_steps_result_and_report_and_no_wall_of_log_lines(harness: None, finished: str) -> None:
    from prefect.settings import PREFECT_API_URL

    done = graft("run", finished, PREFECT_API_URL=str(PREFECT_API_URL.value()))
    assert done.returncode == 0
    assert done.stderr == ""
    assert all(f"  {step}" in done.stdout for step in STEPS)
    assert "12 of 13 steps were hits" in done.stdout
    assert "report.html" in done.stdout
