"""What a script answers, in sections: chatter around it is ignored, and an answer that is cut short is an error."""

import subprocess

import pytest

from nornir_kube_ha.sections import list_sections, sections_of
from nornir_kube_ha.ssh.script import assignments, load_script

ANSWER = "\n@n one a b\nfirst\n\nlast\n\n@n one a b\nagain\n\n@n two\n\n@n end\n"


@pytest.mark.parametrize("before", ["", "Welcome!\n", "no newline", "@m one\n", "@n\n"])
@pytest.mark.parametrize("after", ["", "logout\n", "no newline"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_only_our_own_sections_are_read(before: str, after: str, newline: str) -> None:
    text = f"{before}{ANSWER}{after}".replace("\n", newline)
    assert list_sections(text, "n") == [("one a b", "first\n\nlast"), ("one a b", "again"), ("two", "")]
    assert sections_of(text, "n") == {"one a b": "again", "two": ""}


@pytest.mark.parametrize(
    ("text", "last"),
    [("", "(none)"), ("motd\n", "(none)"), ("\n@n one\nfirst\n", "one"), (ANSWER.replace("end", "en"), "en")],
)
def test_answer_that_is_cut_short_is_an_error(text: str, last: str) -> None:
    with pytest.raises(ValueError, match=rf"^the output ends in section {last.replace('(', '.').replace(')', '.')}$"):
        list_sections(text, "n")


def test_what_the_script_prints_is_what_is_read() -> None:
    script = (
        assignments(nonce="n")
        + load_script("section.sh")
        + "printf motd; section one 'a  b' c; echo text; section end\n"
    )
    done = subprocess.run(["sh", "-us"], input=script, capture_output=True, text=True, check=True)
    assert list_sections(done.stdout, "n") == [("one a  b c", "text")]
