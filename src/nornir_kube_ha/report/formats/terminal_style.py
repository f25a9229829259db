"""Tables and colours of the terminal report."""

from rich.table import Table
from rich.text import Text

from nornir_kube_ha.checks import Status
from nornir_kube_ha.report.words import verdict

STYLES = {
    Status.PASS: "green",
    Status.WARN: "bold magenta",
    Status.FAIL: "bold red",
    Status.SKIP: "yellow",
    Status.UNKNOWN: "bold yellow",
}


def styled(word: str, status: Status) -> Text:
    """Return the word of a status or an outcome in the colours of a status.

    Arguments:
        word: the word; in capitals unless it passed
        status: status of a check that is as bad
    """
    return Text(verdict(word), STYLES[status])


def plain_table(*titles: str, leading: int = 0) -> Table:
    """Return an empty table without lines.

    Arguments:
        titles: titles of the columns
        leading: empty lines between two rows
    """
    table = Table(box=None, pad_edge=False, header_style="bold", leading=leading)
    for title in titles:
        table.add_column(title)
    return table
