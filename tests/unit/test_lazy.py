"""What is imported when: each in a process of its own, since an import cannot be taken back."""

import subprocess
import sys

import pytest

BEFORE = "import sys; "
LIBRARIES = {"netmiko", "rich", "paramiko", "pydantic", "jinja2", "asyncio", "prometheus_client"}
LOADED = f"; print(' '.join(sorted({LIBRARIES} & set(sys.modules))))"


def said_by(program: str) -> str:
    command = [sys.executable, "-W", "error", "-c", program]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize(
    ("program", "loaded"),
    [
        ("import nornir_kube_ha", ""),
        ("from nornir_kube_ha.cli.main import make_parser; make_parser().format_help()", ""),
        ("import nornir_kube_ha.cli.main, nornir_kube_ha.runbooks.deploy", "jinja2 netmiko paramiko pydantic"),
    ],
)
def test_nothing_is_imported_before_it_is_needed(program: str, loaded: str) -> None:
    assert said_by(f"{BEFORE}{program}{LOADED}") == loaded


def test_format_is_imported_when_it_is_asked_for() -> None:
    look = "print(*(name for name in sys.modules if 'report.formats.' in name or 'report.html.' in name))"
    assert said_by(f"{BEFORE}import nornir_kube_ha.cli.command; {look}") == ""
    told = said_by(f"{BEFORE}from nornir_kube_ha.report import to_text; {look}").split()
    assert {name.rpartition(".")[2].partition("_")[0] for name in told} == {"terminal"}


def test_a_library_that_is_postponed_is_there_when_it_is_used() -> None:
    begin = f"{BEFORE}import nornir_kube_ha.cli.main, paramiko; "
    assert said_by(f"{begin}print('invoke.runners' in sys.modules)") == "False"
    used = "import paramiko.config; print(paramiko.config.invoke.run('echo hello', hide=True).stdout)"
    assert said_by(f"{begin}{used}") == "hello"
    assert said_by(f"{begin}import invoke.runners; from invoke import run; print(run.__module__)") == "invoke"


def test_match_exec_in_an_ssh_config_file_still_works() -> None:
    config = "paramiko.SSHConfig.from_text('Match exec true\\n  User ops\\n').lookup('lb-1')"
    assert said_by(f"import nornir_kube_ha.cli.main, paramiko; print({config}['user'])") == "ops"


def test_nothing_of_another_program_is_postponed() -> None:
    look = "import invoke; print(invoke.__file__.rpartition('/')[2])"
    assert said_by(f"from nornir_kube_ha import verify; {look}") == "__init__.py"


def test_looking_over_all_modules_reads_none() -> None:
    look = "[hasattr(module, '__file__') for module in [*sys.modules.values()]]"
    assert said_by(f"{BEFORE}import nornir_kube_ha.cli.main; {look}; print('invoke.runners' in sys.modules)") == "False"


def test_what_a_package_does_not_export_it_has_not() -> None:
    from nornir_kube_ha import report  # noqa: PLC0415 - beside those that are imported elsewhere

    with pytest.raises(AttributeError, match=r"module 'nornir_kube_ha\.report' has no attribute 'to_braille'"):
        report.to_braille  # type: ignore[attr-defined] # noqa: B018 - there is none
    assert all(getattr(report, name) for name in report.__all__)
