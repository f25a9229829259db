"""The files for CI that docs/ci.md offers: valid by their schemas, with commands that work."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from rig.lab import ROOT
from tests.support.ci import FILES, commands, tree_of

from nornir_kube_ha.cli.main import make_parser
from nornir_kube_ha.report.files import FORMATS


def folders(name: str, before: str = "") -> set[str]:
    """The folders that a file's commands write reports to."""
    return {place for each in commands(tree_of(name)) for place in re.findall(rf"{before}--report-dir (\S+)", each)}


@pytest.mark.parametrize(("schema", "name"), FILES.items())
def test_file_is_valid_by_its_schema(schema: str, name: str) -> None:
    program = str(Path(sys.executable).parent / "check-jsonschema")
    command = [program, "--builtin-schema", schema, str(ROOT / "examples/ci" / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", FILES.values())
def test_commands_are_taken_by_the_command_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = [each for each in commands(tree_of(name)) if each.startswith("kube-ha ")]
    for command in found:
        try:
            make_parser().parse_args(shlex.split(command)[1:])
        except SystemExit:
            pytest.fail(f"{command}: {capsys.readouterr().err}")
    kinds = {shlex.split(each)[1] + (" --dry-run" if "--dry-run" in each else "") for each in found}
    assert kinds == {"deploy", "deploy --dry-run", "verify"}


@pytest.mark.parametrize("name", FILES.values())
@pytest.mark.parametrize("changed", [True, False])
def test_drift_fails_the_job(tmp_path: Path, name: str, *, changed: bool) -> None:
    [line] = {each for each in commands(tree_of(name)) if "changed" in each}
    [folder] = folders(name, "--dry-run.* ")
    path = tmp_path / folder / FORMATS["json"][0]
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"changed": changed}))
    assert subprocess.run(["sh", "-c", line], cwd=tmp_path, check=False).returncode == changed
    assert f"```\n{line}\n```" in (ROOT / "docs/ci.md").read_text()


def test_reports_are_kept_where_the_commands_write_them() -> None:
    job = tree_of("gitlab-ci.yml")[".kube-ha"]
    places = folders("gitlab-ci.yml")
    assert all(Path(place, FORMATS["junit"][0]).match(job["artifacts"]["reports"]["junit"]) for place in places)
    assert job["artifacts"]["when"] == "always"
    steps = tree_of("github.yml")["jobs"]["kube-ha"]["steps"]
    [upload] = (each for each in steps if "upload-artifact" in each.get("uses", ""))
    assert (upload["if"], upload["with"]["path"]) == ("always()", "report")
    assert {place.split("/")[0] for place in places | folders("github.yml")} == {"report"}


def test_secrets_are_on_no_command_line() -> None:
    for name in FILES.values():
        lines = [each for each in commands(tree_of(name)) if "${{" in each or "SSH_KEY" in each]
        builtin = re.compile(r'printf .* \| ssh-add -q -$|(chmod 400|ssh-add -q) "\$KUBE_HA_SSH_KEY"$')
        assert all(builtin.match(line) for line in lines), lines
