"""A trial in sentences: the content of its timeline for those who cannot see it."""

from collections.abc import Iterator
from itertools import islice

from nornir_kube_ha.failover.outage import Outage
from nornir_kube_ha.failover.trial import Trial
from nornir_kube_ha.report.api_costs import api_rows_of
from nornir_kube_ha.report.words import in_seconds, in_words

MOST_PHASES = 40
"""Phases that are listed; the others are counted."""


def sentences(trial: Trial) -> tuple[str, ...]:
    """Return a sentence for each fact, in order of time. Zero is the start of the injection."""
    return tuple(f"{sentence}." for sentence in (*_course(trial), *_losses(trial), *_holders(trial)))


def _course(trial: Trial) -> Iterator[str]:
    made = f". The fault was present after {in_seconds(trial.made)}" if trial.made else ""
    yield f"Times count from the start of the fault on {trial.target}, at 0 s{made}"
    if trial.heal is not None:
        healed = "its end was not seen" if trial.healed is None else f"ended at {in_seconds(trial.healed)}"
        yield f"The heal began at {in_seconds(trial.heal)}, and {healed}"
    if trial.late:
        yield f"The client was late by up to {in_seconds(trial.late)}, so it may have missed anything shorter"


def _losses(trial: Trial) -> Iterator[str]:
    outages = (
        ("New connections, while the fault lasted", trial.new),
        ("Long-lived connections, while the fault lasted", trial.reused),
        ("New connections, after the heal began", trial.after),
        ("Long-lived connections, after the heal began", trial.after_reused),
    )
    yield from (f"{what}: {_loss(outage)}" for what, outage in outages if outage.total)
    for row in api_rows_of(trial.api) if trial.api else ():
        losses = f"; {row.losses}" if row.losses else ""
        yield f"Through the Kubernetes API, {row.name}: {in_words(row.figures)} at most {row.meaning}{losses}"


def _loss(outage: Outage) -> str:
    if outage.start is None:
        return f"all {outage.total} requests were answered, the slowest after {in_seconds(outage.slowest)}"
    cut = f", {outage.cut} of them in flight when the fault began" if outage.cut else ""
    lost = f"{outage.failed} of {outage.total} requests failed{cut}; outage {in_seconds(outage.seconds)}"
    longest = f", longest stretch {in_seconds(outage.longest)}" if outage.longest != outage.seconds else ""
    return f"{lost} from {in_seconds(outage.start)} on{longest}"


def _holders(trial: Trial) -> Iterator[str]:
    phases = trial.holding.phases if trial.holding else ()
    for start, end, holders in islice(phases, MOST_PHASES):
        who = " and ".join(holders) or "nobody"
        at_once = " at once" if len(holders) > 1 else ""
        yield f"From {in_seconds(start)} to {in_seconds(end)} {who} held the VIP{at_once}"
    if len(phases) > MOST_PHASES:
        yield f"After that, the holders changed {len(phases) - MOST_PHASES} more times"
