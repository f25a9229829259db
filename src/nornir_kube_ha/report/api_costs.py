"""The cost of a fault for clients of the Kubernetes API, in figures and words that all renderings share."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nornir_kube_ha.failover.api_outage import ApiCost
from nornir_kube_ha.failover.statistics import Statistics
from nornir_kube_ha.failover.trial import FaultReport
from nornir_kube_ha.report.words import in_seconds, spread

API_FIGURES: Mapping[str, Callable[[ApiCost], float]] = {
    "address": lambda cost: cost.address.gap,
    "read": lambda cost: cost.read.gap,
    "cached": lambda cost: cost.cached.gap,
    "write": lambda cost: cost.write.gap,
    "watch": lambda cost: cost.watch.silence,
}
"""Longest time without an answer to each kind of request, and without an event of a watch."""

MEANINGS: Mapping[str, str] = {
    "address": "until the VIP accepts a connection and completes TLS",
    "read": "until a new read is answered",
    "cached": "until a new read from an apiserver's watch cache is answered",
    "write": "until a new write is acknowledged",
    "watch": "until a watch receives the event of a write",
}

NOT_MEASURED = (
    "The cost for clients of the Kubernetes API was not measured: no kubeconfig (--kubeconfig FILE, or "
    "`kubeconfig` in the inventory)."
)


@dataclass(frozen=True, slots=True)
class ApiRow:
    """The cost for one kind of client.

    Arguments:
        name: `address`, `read`, `cached`, `write` or `watch`
        meaning: what the figures measure
        figures: the figure of the trial if one was measured; else median, p99 and maximum
        limit: limit in seconds; "" for none
        losses: what failed, ended or was lost, in a few words
    """

    name: str
    meaning: str
    figures: tuple[str, ...]
    limit: str
    losses: str


def api_rows(fault: FaultReport) -> tuple[ApiRow, ...]:
    """Return the cost for each kind of client; empty if it was not measured."""
    most = fault.limit.api
    limits = dict(zip(API_FIGURES, (None, most.read, most.cached, most.write, most.watch), strict=True))
    return tuple(_rows(fault.api_costs, limits)) if fault.api_costs else ()


def api_rows_of(cost: ApiCost) -> tuple[ApiRow, ...]:
    """Return the cost of a single trial for each kind of client, without limits."""
    return tuple(_rows([cost], dict.fromkeys(API_FIGURES)))


def _rows(costs: Sequence[ApiCost], limits: Mapping[str, float | None]) -> Iterator[ApiRow]:
    losses = dict(zip(API_FIGURES, ("", *_losses(costs)), strict=True))
    for name, of in API_FIGURES.items():
        limit = limits[name]
        words = "" if limit is None else f"{limit:g} s"
        yield ApiRow(name, MEANINGS[name], spread([of(cost) for cost in costs]), words, losses[name])


def api_statistics(fault: FaultReport) -> dict[str, Statistics]:
    """Return median, 99th percentile and maximum of each figure; empty if they were not measured."""
    costs = fault.api_costs
    return {name: Statistics.of(map(of, costs)) for name, of in API_FIGURES.items()} if costs else {}


def _losses(costs: Sequence[ApiCost]) -> tuple[str, str, str, str]:
    """Return the losses of reads, cached reads, writes and watches, over all trials."""
    reads, cached, writes = (
        f"{sum(each.failed for each in kind)} of {sum(each.total for each in kind)} failed, the "
        f"slowest took {in_seconds(max(each.slowest for each in kind))}"
        for kind in ([cost.read for cost in costs], [cost.cached for cost in costs], [cost.write for cost in costs])
    )
    ended: Counter[str] = Counter()
    for cost in costs:
        ended.update(dict(cost.watch.ended))
    how = ", ".join(f"{count} by {word}" for word, count in sorted(ended.items()))
    lost, missed = sum(cost.lost for cost in costs), sum(cost.missed for cost in costs)
    watches = f"{sum(ended.values())} ended{f' ({how})' if how else ''}, {missed} events missed"
    return reads, cached, f"{writes}, {lost} acknowledged writes lost", watches


def through_api(cost: ApiCost) -> str:
    """Return the cost of one trial in a line: `read 0.120 s, write 0.190 s, watch 0.210 s`."""
    return ", ".join(f"{name} {in_seconds(of(cost))}" for name, of in API_FIGURES.items() if name != "address")


def limit_words(fault: FaultReport) -> str:
    """Return a fault's limit in a line; that of Kubernetes API clients is included only if they were measured."""
    return ", ".join(filter(None, (fault.limit.words, fault.limit.api.words if fault.api_costs else "")))


def lacks_api(fault: FaultReport) -> bool:
    """Return whether a trial was measured without a credential."""
    return any(trial.api is None for trial in fault.measured)
