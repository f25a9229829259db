"""The report as a page: it is proper HTML, needs nothing else, and what a host says stays text."""

import re
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path
from xml.etree.ElementTree import Element

import html5lib
import pytest
from tests.support import pages
from tests.support.reports import hostile_faults, stopped_haproxy

from nornir_kube_ha.checks import Finding, Status
from nornir_kube_ha.report import Failure, HostReport, Report, to_html
from nornir_kube_ha.report.html import page as page_module
from nornir_kube_ha.report.html.clusters import Anchors
from nornir_kube_ha.report.html.picture import picture
from nornir_kube_ha.report.html.shapes import NARROW, WIDE, Layout

HOSTILE = (
    "</pre><script>alert(1)</script><img src=x onerror=alert(1)> \"double\" 'single' &amp; {{ 7 * 7 }} "
    "\x1b[31mred\x1b[0m \x00 \x9b1m \x07 \u202e \ufffe \udcff\r\nhttp://example.org/ --> ]]>"
)
CSS = (Path(page_module.__file__).parent / "templates/page.css").read_text()
PARSED_REPORTS = pytest.mark.parametrize("report", [make() for make in pages.REPORTS.values()], ids=[*pages.REPORTS])


def hostile() -> Report:
    """Every word in it is hostile, names too."""
    said = [Finding(f"check.{status}", status, HOSTILE, HOSTILE, f"`{HOSTILE}`") for status in Status]
    told = pages.host(1, *said, vrrp=HOSTILE, sees={HOSTILE: HOSTILE})
    failed = HostReport(
        "demo", "backup", changed=True, findings=tuple(said), failure=Failure(HOSTILE, HOSTILE, 1), diff=HOSTILE
    )
    cluster = pages.cluster(*said, apiservers={HOSTILE: HOSTILE}, vip=HOSTILE)
    hosts = {HOSTILE: told, f"{HOSTILE} ": failed, "lb-3": replace(failed, failure=None, plan=(HOSTILE,))}
    return replace(pages.report(hosts, {"demo": cluster}, HOSTILE, dry_run=True), run_id=HOSTILE)


def parsed(report: Report) -> Element:
    parser = html5lib.HTMLParser(
        html5lib.treebuilders.getTreeBuilder("etree"), strict=True, namespaceHTMLElements=False
    )
    tree: Element = parser.parse(to_html(report))
    return tree


def text_of(element: Element) -> str:
    return re.sub(r"\s+", " ", "".join(element.itertext())).strip()


def named(tree: Element, anchor: str) -> Element:
    (found,) = [each for each in tree.iter() if each.get("id") == anchor]
    return found


def classed(tree: Element, word: str) -> list[Element]:
    return [each for each in tree.iter() if word in (each.get("class") or "").split()]


def svgs(tree: Element) -> list[Element]:
    return [each for each in tree.iter() if each.get("role") == "img"]


@PARSED_REPORTS
def test_page_is_strict_html_whose_links_all_lead_somewhere(report: Report) -> None:
    tree = parsed(report)
    ids = [each.attrib["id"] for each in tree.iter() if "id" in each.attrib]
    assert len(ids) == len(set(ids))
    for each in tree.iter():
        if "href" in each.attrib:
            assert each.attrib["href"].removeprefix("#") in ids
        for attribute in ("aria-labelledby", "aria-describedby"):
            assert set(each.get(attribute, "").split()) <= set(ids)


@PARSED_REPORTS
def test_page_holds_no_script_and_nothing_from_elsewhere(report: Report) -> None:
    tree = parsed(report)
    tags = {str(each.tag).rpartition("}")[2] for each in tree.iter()}
    assert not tags & {
        "script",
        "link",
        "img",
        "image",
        "iframe",
        "object",
        "embed",
        "use",
        "form",
        "base",
        "foreignObject",
    }
    attributes = {name for each in tree.iter() for name in each.attrib}
    assert not {name for name in attributes if name.startswith("on")} | (
        attributes & {"src", "style", "srcset", "action"}
    )
    assert not re.search(r"url\(|@import|expression\(", CSS)
    (policy,) = [each.attrib["content"] for each in tree.iter("meta") if "Security" in each.get("http-equiv", "")]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def test_what_a_host_says_stays_text() -> None:
    source, tree = to_html(hostile()), parsed(hostile())
    assert [char for char in source if not char.isprintable() and char != "\n"] == []
    assert "script" not in {each.tag for each in tree.iter()}
    assert "onerror" not in {name for each in tree.iter() for name in each.attrib}
    shown = text_of(named(tree, "lb-3.check.fail"))
    assert "</pre><script>alert(1)</script><img src=x onerror=alert(1)> \"double\" 'single' &amp; {{ 7 * 7 }}" in shown
    assert "\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}[0m" in shown
    ids = [each.attrib["id"] for each in tree.iter() if "id" in each.attrib]
    assert len(ids) == len(set(ids))
    assert {each.attrib["href"][1:] for each in tree.iter() if "href" in each.attrib} <= set(ids)


def test_the_same_report_makes_the_same_page() -> None:
    assert to_html(pages.red()) == to_html(pages.red())


@pytest.mark.parametrize(
    ("report", "verdict"),
    [
        (pages.green(), "Passed"),
        (pages.red(), "Not passed"),
        (pages.report({"lb-1": pages.host(1, pages.EXPIRES)}), "Passed, with 1 warning"),
    ],
)
def test_header_says_the_verdict_and_the_figures(report: Report, verdict: str) -> None:
    tree = parsed(report)
    assert [text_of(each) for each in tree.iter("h1")] == [verdict]
    header = text_of(classed(tree, "verdict")[0])
    for words in ("kube-ha verify", "Started 2026-03-04 05:06:07 UTC", "Took 12.3 s", "Run 0123456789ab"):
        assert words in header
    for status, count in report.counts.items():
        assert f"{count} {status}" in header


def test_header_counts_hosts_by_what_became_of_them() -> None:
    assert "Hosts 0 passed 2 failed 1 unknown" in text_of(classed(parsed(pages.red()), "verdict")[0])


def test_what_did_not_pass_is_open_worst_first_and_complete() -> None:
    tree = parsed(pages.red())
    problems = classed(tree, "problem")
    assert [each.get("open") for each in problems] == [""] * 6
    titles = [text_of(each[0]) for each in problems]
    assert [title.split()[0] for title in titles] == ["unknown", "fail", "fail", "fail", "warn", "skip"]
    assert titles[2].startswith("fail files.intended on lb-2")
    active = text_of(named(tree, "lb-2.haproxy.active"))
    assert "Expected active (running)" in active
    assert "unknown keyword 'nonsense'" in active
    assert "Next step read journalctl -u haproxy, fix the cause, then run deploy" in active
    assert "critical" in titles[3]
    assert "warning" in titles[4]
    assert titles[5] == "skip vip.single_holder of cluster demo exactly one node holds the VIP would be critical"


def test_unreachable_host_is_reported_once() -> None:
    tree = parsed(pages.red())
    card = text_of(named(tree, "lb-3.failure"))
    assert card.count("connection timed out after 10 s") == 1
    assert "12 checks are therefore unknown for lb-3" in card
    assert text_of(named(tree, "lb-3.vip.ping")) == "vip.ping"


def test_host_that_the_run_did_not_reach_is_reported_once() -> None:
    reason = "left as it was: the run stopped because lb-1 failed"
    left = tuple(Finding(check, Status.UNKNOWN, "", reason) for check in pages.CHECKS)
    host = HostReport("demo", "backup", changed=False, findings=left)
    card = text_of(named(parsed(pages.report({"lb-2": host})), "lb-2.unknown"))
    assert card.count(reason) == 1


def test_every_cell_says_its_status_and_leads_to_its_explanation() -> None:
    report = pages.red()
    tree = parsed(report)
    cells = {each.attrib["href"][1:]: text_of(each) for each in classed(tree, "cell") if "href" in each.attrib}
    assert cells == {f"{where}.{finding.id}": finding.status for where, finding in report.findings}
    assert [text_of(each) for each in classed(tree, "cell") if "href" not in each.attrib] == ["not made"] * 2


def test_what_passed_is_closed_and_says_what_was_seen() -> None:
    tree = parsed(pages.green())
    passed = classed(tree, "passed")
    assert len(passed) == 13
    assert all("open" not in each.attrib for each in passed)
    assert "HTTP 200, ok" in text_of(named(tree, "lb-2.vip.readyz"))


def test_diff_is_marked_line_by_line() -> None:
    tree = parsed(pages.red())
    assert [text_of(each) for each in classed(tree, "added")] == ["+++ /etc/haproxy/haproxy.cfg", "+ balance leastconn"]


def test_dry_run_shows_what_would_be_done() -> None:
    tree = parsed(pages.planned())
    assert "dry run: nothing was changed" in text_of(classed(tree, "verdict")[0])
    first, second = map(text_of, classed(tree, "plan"))
    assert first == "lb-1 No change needed."
    assert second == "lb-2 write /etc/haproxy/haproxy.cfg reload haproxy"
    assert "balance leastconn" in text_of(classed(tree, "changes")[0])
    assert classed(tree, "matrix") == []


def test_worst_cluster_comes_first() -> None:
    tree = parsed(pages.two_clusters())
    assert [text_of(each) for each in tree.iter("h2")] == ["At a glance", "cluster edge", "cluster demo"]


def test_what_many_hosts_have_is_said_once_at_the_top() -> None:
    glance = classed(parsed(pages.many()), "summary")[0]
    assert [text_of(each) for each in glance.iter("li")] == [
        "fail haproxy.active haproxy runs lb-48 lb-49",
        "unknown HostUnreachableError lb-50",
    ]


@pytest.mark.parametrize(
    ("report", "facts"),
    [
        (
            pages.green(),
            ["192.0.2.10:8443, held by lb-1.", "lb-2, backup, 192.0.2.12: keepalived is BACKUP, does not hold"],
        ),
        (pages.red(), ["lb-3, backup, 192.0.2.13: not looked at.", "sees kube-1 UP, kube-2 UP, kube-3 DOWN."]),
        (
            pages.split(),
            ["held by 2 nodes at once: lb-1, lb-2.", "lb-2, backup, 192.0.2.12: keepalived is MASTER, holds"],
        ),
        (pages.planned(), ["192.0.2.10:8443, holder unknown.", "lb-1, master, 192.0.2.11: state unknown."]),
        (pages.two_clusters(), ["192.0.2.90:8443, held by nobody.", "keepalived is FAULT"]),
    ],
)
def test_picture_says_what_it_shows(report: Report, facts: list[str]) -> None:
    first, second = svgs(parsed(report))[:2]
    for svg in (first, second):
        description = next(text_of(each) for each in svg if str(each.tag).endswith("desc"))
        assert [fact for fact in facts if fact not in description] == []


@pytest.mark.parametrize(
    ("report", "kinds"),
    [
        (pages.green(), ["holder", "plain", "plain"]),
        (pages.red(), ["holder", "ailing", "unknown"]),
        (pages.split(), ["fault", "fault", "plain"]),
    ],
)
def test_picture_marks_each_node_by_what_it_is(report: Report, kinds: list[str]) -> None:
    boxes = picture(report.clusters["demo"], report.hosts, WIDE).boxes
    assert [box.kind for box in boxes[2:5]] == kinds
    assert [box.kind for box in boxes[:2]] == ["client", f"vip {kinds[0]}"]


def test_picture_draws_each_view_of_each_apiserver() -> None:
    report = pages.red()
    lines = picture(report.clusters["demo"], report.hosts, WIDE).lines
    kinds = {line.title: line.kind for line in lines}
    assert kinds["kube-1 is UP at lb-1"] == "up live"
    assert kinds["kube-3 is DOWN at lb-1"] == "down live"
    assert kinds["kube-1 is unknown at lb-2"] == "unknown"  # its haproxy is down
    assert kinds["kube-1 is unknown at lb-3"] == "unknown"
    crossed = [line.title for line in lines if line.mark and " at " in line.title]
    assert crossed == ["kube-3 is DOWN at lb-1"]


def test_picture_sums_up_how_each_apiserver_is_seen() -> None:
    summaries = [
        [box.texts[-1].text for box in picture(report.clusters["demo"], report.hosts, layout).boxes[-3:]]
        for report in (pages.green(), pages.red(), pages.planned())
        for layout in (WIDE, NARROW)
    ]
    assert summaries[::2] == summaries[1::2]
    assert summaries[::2] == [
        ["up for 3 of 3"] * 3,
        ["up for 1, 2 unknown", "up for 1, 2 unknown", "down for 1 of 3"],
        ["unknown"] * 3,
    ]


def test_picture_shows_an_apiserver_that_only_haproxy_knows_and_one_that_it_does_not() -> None:
    host = pages.host(1, sees={"kube-1": "UP", "kube-2": "UP 1/3", "other": "UP"})
    drawn = picture(pages.cluster(), {"lb-1": host}, WIDE)
    assert [box.title for box in drawn.boxes[3:]] == [
        "kube-1, 192.0.2.21:6443: UP at lb-1",
        "kube-2, 192.0.2.22:6443: UP 1/3 at lb-1",
        "kube-3, 192.0.2.23:6443: missing at lb-1",
        "other, not in the inventory: UP at lb-1",
    ]
    assert [box.kind for box in drawn.boxes[3:]] == ["up", "up", "down", "up"]


@pytest.mark.parametrize("layout", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize(("nodes", "servers"), [*product(range(1, 8), range(10))])
def test_boxes_stand_within_the_picture_and_apart(layout: Layout, nodes: int, servers: int) -> None:
    addresses = {f"kube-{number}": f"192.0.2.{20 + number}:6443" for number in range(servers)}
    hosts = {f"lb-{number}": pages.host(number, sees=dict.fromkeys(addresses, "UP")) for number in range(1, nodes + 1)}
    drawn = picture(pages.cluster(apiservers=addresses), hosts, layout)
    assert len(drawn.boxes) == 2 + nodes + servers
    assert len(drawn.lines) == 1 + nodes + nodes * servers
    for box in drawn.boxes:
        assert box.x >= 0 <= box.y
        assert box.right <= layout.width
        assert box.y + box.height <= drawn.height
        for text in box.texts:
            assert text.x + text.width <= box.right
    for one, other in combinations(drawn.boxes, 2):
        apart = one.right < other.x or other.right < one.x
        assert apart or one.y + one.height < other.y or other.y + other.height < one.y


@pytest.mark.parametrize("layout", [WIDE, NARROW], ids=["wide", "narrow"])
def test_long_names_are_cut_where_they_are_alike_and_whole_in_the_title(layout: Layout) -> None:
    report = pages.large()
    drawn = picture(report.clusters["demo"], report.hosts, layout)
    boxes = drawn.boxes[2:]
    shown = [box.texts[0].text for box in boxes]
    assert len(set(shown)) == len(shown) == 14
    for box, text in zip(boxes, shown, strict=True):
        assert ".frankfurt.production.example.net" in box.title
        assert len(text) * layout.letters[0] <= box.width - 2 * layout.padding


def test_name_without_a_domain_loses_its_middle() -> None:
    name = "a" * 40 + "-1"
    drawn = picture(pages.cluster(), {name: pages.host(1)}, WIDE)
    assert re.fullmatch("a+…a+-1", drawn.boxes[2].texts[0].text)


def test_cluster_too_large_for_a_picture_is_shown_in_words() -> None:
    tree = parsed(pages.many())
    assert svgs(tree) == []
    assert "lb-50, backup, 192.0.2.60: not looked at." in text_of(classed(tree, "picture")[0])


def test_faults_come_before_the_clusters_with_their_figures_limit_and_verdict() -> None:
    tree = parsed(pages.broken())
    assert [text_of(each) for each in tree.iter("h2")] == [
        "At a glance",
        "Faults and their cost",
        "cluster demo",
    ]
    sections = classed(tree, "fault-report")
    assert [text_of(each[0]) for each in sections] == [
        "passed haproxy-kill in cluster demo",
        "missed keepalived-hang in cluster demo",
        "missed haproxy-stop in cluster demo",
        "not injected apiserver-hang in cluster demo",
        "not healed node-power-off in cluster demo",
        "not injected node-lost",
    ]
    told = text_of(sections[0])
    for words in (
        "Outage, new connections 0.080 s",
        "New connections failed 3 of 300, 1 cut",
        "Took over lb-1 -> lb-2",
        "Limit outage at most 0.15 s, moves of the VIP at most 1",
    ):
        assert words in told
    assert "Trouble" not in told
    assert "Problems lb-1: missed: outage 1.36 s, at most 0.15 s allowed;" in text_of(sections[1])
    assert "The whole trial, trial 2 of 2" in text_of(sections[1])
    assert "Outage, new connections no end" in text_of(sections[4])


def test_header_and_glance_tell_of_faults() -> None:
    tree = parsed(pages.broken())
    assert "Faults 1 passed 2 missed 2 not injected 1 not healed" in text_of(classed(tree, "verdict")[0])
    assert [text_of(each) for each in classed(tree, "summary")[0].iter("li")] == [
        "fail keepalived-hang missed keepalived hangs on the holder, which keeps the VIP demo",
        "fail haproxy-stop missed haproxy is stopped on the VIP holder demo",
        "fail node-power-off not healed the holder loses its power demo",
        "unknown apiserver-hang not injected one apiserver hangs demo",
        "unknown node-lost not injected the holder is lost why",
    ]


def test_without_faults_the_page_is_silent_on_them() -> None:
    assert "fault-report" not in {each.get("class") for each in parsed(pages.green()).iter()}
    assert "Faults" not in text_of(classed(parsed(pages.green()), "verdict")[0])


def test_many_faults_have_a_table_and_many_trials_another() -> None:
    rows = [text_of(each) for each in classed(parsed(pages.broken()), "figures")[0].iter("tr")]
    assert len(rows) == 7
    assert rows[1] == "haproxy-killpassed10.080 s0.100 s0 s3 of 300, 1 cut0 slb-1 -> lb-2"
    assert classed(parsed(pages.survived()), "figures") == []
    trials = classed(parsed(pages.broken()), "trials")
    assert len(trials) == 2
    cells = [[text_of(cell) for cell in row] for row in trials[0].iter("tr")]
    started = "2026-01-02 03:04:05"
    assert cells[1:] == [
        ["1", "passed", "lb-1", started, "0.080 s", "0.100 s", "0 s", "0 s", "lb-1 -> lb-2"],
        ["2", "missed", "lb-1", started, "1.360 s", "1.350 s", "0.300 s", "4.450 s", "lb-1 -> lb-2 -> lb-1"],
    ]


def test_timeline_says_what_it_shows_and_only_where_there_is_one() -> None:
    drawn = classed(parsed(pages.broken()), "timeline")
    assert len(drawn) == 4
    figure = drawn[0]
    assert [text_of(each) for each in classed(figure, "panel")] == ["The whole trial", "Around the fault"]
    for svg in svgs(figure):
        title, description = (next(text_of(e) for e in svg if str(e.tag).endswith(tag)) for tag in ("title", "desc"))
        assert title.startswith("haproxy-kill over time, ")
        assert "outage 0.080 s from 0.020 s on." in description
        assert "From 0.050 s to 0.070 s nobody held the VIP." in description
    assert "two hold it at once" not in text_of(figure)
    assert "two hosts hold the VIP at once" in text_of(drawn[1])


def test_what_is_said_of_a_fault_stays_text() -> None:
    report = replace(pages.green(), faults=hostile_faults(HOSTILE))
    source, tree = to_html(report), parsed(report)
    assert [char for char in source if not char.isprintable() and char != "\n"] == []
    assert "script" not in {each.tag for each in tree.iter()}
    assert "onerror" not in {name for each in tree.iter() for name in each.attrib}
    ids = [each.attrib["id"] for each in tree.iter() if "id" in each.attrib]
    assert len(ids) == len(set(ids))
    assert {each.attrib["href"][1:] for each in tree.iter() if "href" in each.attrib} <= set(ids)


def test_anchors_are_never_given_out_twice() -> None:
    anchors = Anchors()
    assert [anchors.of("lb-2", "haproxy.active") for _ in range(2)] == ["lb-2.haproxy.active", "lb-2.haproxy.active-2"]
    assert anchors.of("a b<c>", "ü") == "a-b-c-.-"


def palettes() -> list[dict[str, str]]:
    on_screen = CSS.partition("@media print")[0]
    return [dict(re.findall(r"--([\w-]+): (#\w{6});", part)) for part in on_screen.split("prefers-color-scheme: dark")]


def contrast(one: str, other: str) -> float:
    """WCAG 2's contrast ratio of two colours."""

    def luminance(colour: str) -> float:
        parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark"])
def test_text_has_the_contrast_that_wcag_aa_asks_for(palette: dict[str, str]) -> None:
    tones = ("pass", "warn", "fail", "unknown", "skip", "holder")
    pairs = [(tone, f"{tone}-tint") for tone in tones]
    pairs += product((*tones, "ink", "muted", "link"), ("page", "sheet", "code"))
    pairs += product(("ink", "muted"), ("fail-tint", "holder-tint", "unknown-tint"))
    assert [pair for pair in pairs if contrast(palette[pair[0]], palette[pair[1]]) < 4.5] == []
    assert contrast(palette["line"], palette["sheet"]) >= 3  # lines and edges of boxes


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark"])
def test_timeline_has_the_contrast_that_wcag_aa_asks_of_graphics(palette: dict[str, str]) -> None:
    (share,) = re.findall(r"answered\.many \{ fill-opacity: ([\d.]+)", CSS)
    mixed = [
        round(float(share) * int(palette["pass"][at : at + 2], 16) + (1 - float(share)) * int(below[at : at + 2], 16))
        for below in (palette["sheet"],)
        for at in (1, 3, 5)
    ]
    many = "#" + "".join(f"{part:02x}" for part in mixed)
    assert contrast(many, palette["sheet"]) >= 3
    for tone in ("pass", "fail", "holder", "ink"):
        assert contrast(palette[tone], palette["sheet"]) >= 3
    assert contrast(palette["pass"], palette["fail-tint"]) >= 3
    assert contrast(palette["fail"], palette["fail-tint"]) >= 3


def test_consequences_are_closed_and_not_named_at_the_top() -> None:
    tree = parsed(stopped_haproxy())
    problems = {text_of(each)[:60]: "open" in each.attrib for each in classed(tree, "problem")}
    assert [*problems.values()] == [True, False, False, False, False]
    [summary] = classed(tree, "summary")
    assert ("haproxy.active" in text_of(summary), "haproxy.stats" in text_of(summary)) == (True, False)
