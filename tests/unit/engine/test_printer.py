"""What `-v` shows of tasks' results: all of it, and nothing that would drive a terminal but colours."""

import io

import pytest
from nornir.core.inventory import Host
from nornir.core.task import AggregatedResult, MultiResult, Result

from nornir_kube_ha.engine.printer import MOST_PRINTED, print_results

EVIL = "\x1b]0;mine\aok\x1b[2J\rgone\u202e"


class Terminal(io.StringIO):
    """A stderr that is a terminal."""

    def isatty(self) -> bool:
        return True


def results() -> AggregatedResult:
    found = AggregatedResult("look_around")
    multi = MultiResult("look_around")
    multi.append(Result(Host("lb-1"), result=EVIL))
    found["lb-1"] = multi
    return found


@pytest.mark.parametrize("stderr", [Terminal(), io.StringIO()], ids=["terminal", "pipe"])
def test_words_of_a_host_do_not_drive_a_terminal(monkeypatch: pytest.MonkeyPatch, stderr: io.StringIO) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stderr", stderr)
    print_results(results(), 1)
    shown = stderr.getvalue()
    assert "lb-1" in shown
    assert "ok" in shown
    assert not set("\a\r\u202e") & set(shown)
    assert "\x1b]" not in shown
    assert "\x1b[2J" not in shown
    assert ("\x1b[" in shown) is stderr.isatty()


@pytest.mark.parametrize("result", ["x" * 1_000_000, ["x" * 1_000_000]], ids=["text", "other"])
def test_no_more_is_shown_than_anybody_reads(capsys: pytest.CaptureFixture[str], result: object) -> None:
    found = results()
    found["lb-1"][0].result, found["lb-1"][0].diff = result, "y" * 1_000_000
    print_results(found, 1)
    shown = capsys.readouterr().err
    assert 2 * MOST_PRINTED < len(shown) < 3 * MOST_PRINTED
    assert found["lb-1"][0].result == result


def test_nothing_is_shown_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    print_results(results(), 0)
    assert capsys.readouterr() == ("", "")
