"""Templates of an inventory's own: what they replace, what they see, and that they get at nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from nornir.core import Nornir
from nornir.core.exceptions import NornirExecutionError
from pydantic import SecretStr
from rig.lab import ROOT
from rig.samples import DATA

from nornir_kube_ha.errors import Problem, RefusedTemplateError
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.templating import NAMES

NornirOf = Callable[..., Nornir]
Render = Callable[..., dict[str, dict[str, ConfigFile]]]
Problems = Callable[[Nornir], tuple[Problem, ...]]
SECRET = "sesame, open"


@pytest.fixture
def with_template(nornir_of: NornirOf) -> Callable[..., Nornir]:
    """An inventory with a template of its own in place of haproxy.cfg's."""

    def made(text: str, name: str = "haproxy.cfg.j2") -> Nornir:
        return nornir_of(
            group={"templates": [{"name": name, "text": text}], "login": {"sudo_password": SecretStr(SECRET)}}
        )

    return made


def refusal(render: Render, nornir: Nornir) -> str:
    """What is said of a template that cannot be rendered."""
    with pytest.raises(NornirExecutionError) as caught:
        render(nornir)
    error = caught.value.result["lb-1"][0].exception
    assert isinstance(error, RefusedTemplateError)
    return str(error)


def test_only_kube_ha_s_templates_can_be_replaced() -> None:
    folder = ROOT / "templates"
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == sorted(NAMES)


def test_custom_template_replaces_one_and_keeps_the_others(
    with_template: Callable[..., Nornir], render: Render
) -> None:
    files = render(with_template("# {{ node.name }}, {{ node.vip.ip }}:{{ haproxy.port }}\n"))["lb-2"]
    assert files[HAPROXY_CFG].content == "# lb-2, 192.0.2.10:8443\n"
    assert "vrrp_instance VI-kube-master" in files[KEEPALIVED_CONF].content


def test_custom_template_can_include_kube_ha_s(
    with_template: Callable[..., Nornir], nornir_of: NornirOf, render: Render
) -> None:
    mine = render(with_template('{% include "kube-ha/haproxy.cfg.j2" %}\n# and more\n'))["lb-1"][HAPROXY_CFG]
    ours = render(nornir_of())["lb-1"][HAPROXY_CFG]
    assert mine.content == f"{ours.content}# and more\n"


def test_all_templates_of_kube_ha_render_in_the_sandbox(nornir_of: NornirOf, render: Render) -> None:
    """They use nothing that a template of an inventory may not."""
    through = [{"name": name, "text": f'{{% include "kube-ha/{name}" %}}'} for name in NAMES]
    assert render(nornir_of(group={"templates": through})) == render(nornir_of())


@pytest.mark.parametrize(
    "text",
    [
        "{{ host.password }}",
        "{{ host.get_connection }}",
        "{{ host['password'] }}",
        "{{ host.nornir }}",
        "{{ host.login.sudo_password.get_secret_value() }}",
        "{{ host['login']['sudo_password'].get_secret_value() }}",
        "{{ dict(host) }}",
        "{{ host|dictsort }}",
        "{{ host|xmlattr }}",
        "{{ '%(login)s'|format(**host) }}",
        "{{ node.parse_raw('1', proto='pickle', allow_pickle=true) }}",
        "{{ node.parse_file('/etc/passwd') }}",
        "{{ node.model_dump() }}",
        "{{ node|attr('model_copy') }}",
        "{{ [node]|map(attribute='model_dump')|first }}",
        "{{ node.login.sudo_password.get_secret_value() }}",
        "{{ peers[0].login.sudo_password.get_secret_value() }}",
        "{{ node.__class__ }}",
        "{{ node.address.__class__.__mro__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ '{0.__class__}'.format(node) }}",
        "{{ '{0.model_dump}'.format(node) }}",
        "{{ features.__class__ }}",
        "{{ cycler.__init__.__globals__.os.popen('touch executed') }}",
        "{{ lipsum.__globals__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ dict.mro() }}",
        "{{ range(10 ** 9) }}",
        "{{ peers.append(1) }}",
        "{% include '/etc/passwd' %}",
        "{% include '../pyproject.toml' %}",
        "{% include 'kube-ha/../../pyproject.toml' %}",
        "{{ nothing }}",
        "{{ 1 / 0 }}",
        "{% set x = namespace() %}{% set x.__class__ = 1 %}{{ x.__class__ }}",
    ],
)
def test_it_gets_at_nothing_else(
    with_template: Callable[..., Nornir], render: Render, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = refusal(render, with_template(f"# first\n{text}\n"))
    assert words.startswith("lb-1: template haproxy.cfg.j2")
    assert SECRET not in words
    assert not [*tmp_path.iterdir()]


@pytest.mark.field_report(
    "H6",
    "CVE-2025-27516",
    "with jinja2 3.1.5 a template of an inventory reads the operator's environment",
    "versions below 3.1.6 cannot be installed beside us, and each way out of the sandbox is tried",
)
@pytest.mark.parametrize(
    "text",
    [
        "{{ ('{0.__init__.__globals__}'|attr('format'))(cycler) }}",
        "{{ ('{x.__init__.__globals__}'|attr('format_map'))({'x': cycler}) }}",
        "{{ (['{0.__init__.__globals__}']|map(attribute='format')|first)(cycler) }}",
        "{{ (['{0.__init__.__globals__}']|map('attr', 'format')|first)(cycler) }}",
        "{{ ({'f': '{0.__init__.__globals__}'}.f|attr('format'))(joiner) }}",
        "{{ '{0.__init__.__globals__}'|safe|attr('format')(namespace) }}",
        "{{ ('{0.__init__.__globals__}'|escape).format(cycler) }}",
        "{{ ('{x.__globals__[os]}'|attr('format'))(x=lipsum) }}",
        "{% set f = '{0.__init__.__globals__}'.format %}{{ f(cycler) }}",
        "{% set ns = namespace(f='{0.__init__.__globals__}'.format) %}{{ ns.f(cycler) }}",
        "{{ cycler|attr('__init__') }}",
        "{{ lipsum|attr('__globals__') }}",
        "{{ lipsum['__globals__'] }}",
        "{{ namespace|attr('__init__')|attr('__globals__') }}",
        "{{ joiner.__init__.__globals__ }}",
        "{{ [lipsum]|map(attribute='__globals__')|first }}",
        "{{ [cycler]|map('attr', '__init__')|first }}",
        "{{ [cycler]|groupby('__init__.__globals__') }}",
        "{{ [cycler]|sum(attribute='__init__.__globals__') }}",
        "{{ [cycler]|sort(attribute='__init__.__globals__') }}{{ cycler['__init__'] }}",
        "{{ self|attr('_TemplateReference__context') }}",
        "{{ self.__init__.__globals__ }}",
        "{{ ().__class__ }}",
        "{{ caller }}",
    ],
)
def test_way_out_of_the_sandbox_is_closed(
    with_template: Callable[..., Nornir], render: Render, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", SECRET)
    words = refusal(render, with_template(f"# first\n{text}\n"))
    assert SECRET not in words


def test_error_names_the_line(with_template: Callable[..., Nornir], render: Render) -> None:
    words = refusal(render, with_template("# first\n# second\n{{ nothing }}\n"))
    assert words == "lb-1: template haproxy.cfg.j2, line 3: 'nothing' is undefined"
    assert RefusedTemplateError.exit_code == 2


def test_folder_is_read_relative_to_the_inventory(nornir_of: NornirOf, render: Render, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/haproxy.cfg.j2").write_text("# mine\n")
    (tmp_path / "mine/README").write_text("read by people")
    (tmp_path / "ca.crt").write_bytes((DATA / "ca.crt").read_bytes())
    nornir = nornir_of(group={"templates": "mine"}, folder=tmp_path)
    assert render(nornir)["lb-3"][HAPROXY_CFG].content == "# mine\n"
    assert load_intent(nornir, read_files=False).node("lb-1").templates == ()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "contains no template"),
        ({"haproxy.j2": "# mine"}, "mine/haproxy.j2 is not one of check-apiservers.j2, "),
        ({"haproxy.cfg.j2": "# mine\n{% if %}"}, "mine/haproxy.cfg.j2 is not a valid template: line 2: "),
    ],
)
def test_folder_that_holds_none_is_refused(
    nornir_of: NornirOf, problems_of: Problems, tmp_path: Path, files: dict[str, str], words: str
) -> None:
    (tmp_path / "ca.crt").write_bytes((DATA / "ca.crt").read_bytes())
    (tmp_path / "mine").mkdir()
    for name, text in files.items():
        (tmp_path / "mine" / name).write_text(text)
    problem = problems_of(nornir_of(group={"templates": "mine"}, folder=tmp_path))[0]
    assert (problem.host, problem.key) == ("lb-1", "templates")
    assert words in problem.message


def test_folder_that_is_not_there_is_refused(nornir_of: NornirOf, problems_of: Problems) -> None:
    problem = problems_of(nornir_of(group={"templates": "nowhere"}))[0]
    assert (problem.key, "No such file" in problem.message) == ("templates", True)
