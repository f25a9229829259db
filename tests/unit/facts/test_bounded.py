"""Facts of a host that says what keeps its reader busy: read soon, or refused in words.

The clock here is the processor's own: a machine that is busy otherwise costs nothing.
"""

import time
from collections.abc import Callable

import pytest

from nornir_kube_ha.facts import Facts
from nornir_kube_ha.facts.files import FileFact
from nornir_kube_ha.firewall.ruleset import parse_ruleset
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import HAPROXY_CFG
from nornir_kube_ha.planning.diff import diff

SOON = 1.0  # seconds of the processor
LONG = 250_000  # characters
WithSection = Callable[[str, str], Facts]


@pytest.fixture(autouse=True)
def _soon() -> object:
    begun = time.process_time()
    yield
    assert time.process_time() - begun < SOON


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ("heard", "a > " + ": 1.1.1.1 > 1.1.1.1: VRRPv3, Advertisement, vrid 1" * (LONG // 50)),
        ("heard", "a > , ethertype ARP " * (LONG // 20)),
        ("heard", "a > , ethertype ARP : Request who-has a " * (LONG // 40)),
        ("heard", "a > b\n" * (LONG // 6)),
        ("certificate 192.0.2.12:6443", "Subject Alternative Name:" * (LONG // 25)),
        ("readyz", "status " * (LONG // 7)),
        ("candidates", "a:" * (LONG // 2)),
        ("os", 'PRETTY_NAME="' * (LONG // 13)),
    ],
)
def test_long_words_are_read_soon(with_section: WithSection, section: str, text: str) -> None:
    with_section(section, text)


def test_many_rulesets_are_read_soon() -> None:
    assert parse_ruleset('{"nftables": []}' * (LONG // 16)).tables == ()
    with pytest.raises(ValueError, match="nft printed 2000002 characters"):
        parse_ruleset('{"nftables": []}' + " " * 1_999_984 + "{}")


def test_file_that_is_too_long_is_not_compared(intent: Intent) -> None:
    old = FileFact(HAPROXY_CFG, "0640", "root", "haproxy", b"a\n" * LONG)
    text = diff(old, ConfigFile(HAPROXY_CFG, "global\n", "0640", "root", "haproxy"), intent.node("lb-1"))
    assert f"-({2 * LONG} bytes, too many to compare)" in text
    assert "+global" in text


@pytest.mark.parametrize("section", ["clock", "clock_end"])
@pytest.mark.parametrize("text", ["inf", "nan"])
def test_clock_that_shows_no_time_is_refused(with_section: WithSection, section: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"expected a time, got {text}"):
        with_section(section, text)


def test_statistics_that_are_no_table_are_refused(with_section: WithSection) -> None:
    with pytest.raises(ValueError, match="field larger than field limit"):
        with_section("haproxy", f"# pxname,svname\n{'a' * LONG},b")
