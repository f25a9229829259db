#!/usr/bin/env python3
"""Verify from cron: metrics for node_exporter's textfile collector, and a mail with JUnit when something is wrong.

    */5 * * * *  ops  python examples/cron.py config.yaml /var/lib/node_exporter/kube_ha.prom noc@example.com

`config.yaml` is a Nornir configuration file. Cron itself mails what is printed: nothing is, unless the run could not be
made. $SMTP_SERVER says who takes the mail, as `mail.example.com:25`; `localhost:25` if it says nothing.
"""

import os
import smtplib
import sys
from email.message import EmailMessage
from pathlib import Path

from nornir import InitNornir

from nornir_kube_ha import KubeHaError, Report, verify
from nornir_kube_ha.report import nagios_status, to_junit, to_nagios, to_prometheus, to_text


def write_metrics(report: Report, file: Path) -> None:
    """Write Prometheus text; whoever reads the file at this moment sees the old one whole, or the new one.

    Arguments:
        report: of the run
        file: in the collector's folder, named `*.prom`
    """
    new = file.with_suffix(".new")
    new.write_text(to_prometheus(report), encoding="utf-8")
    new.replace(file)


def mail_of(report: Report, receiver: str) -> EmailMessage:
    """A mail that says what is wrong, with all checks as JUnit.

    Arguments:
        report: of the run
        receiver: who reads it
    """
    mail = EmailMessage()
    mail["Subject"] = to_nagios(report).splitlines()[0].partition("|")[0].strip()
    mail["From"], mail["To"] = "kube-ha@localhost", receiver
    mail.set_content(to_text(report))
    mail.add_attachment(to_junit(report).encode(), maintype="application", subtype="xml", filename="report.xml")
    return mail


def send(mail: EmailMessage) -> None:
    """Give a mail to the server that takes mails here.

    Arguments:
        mail: with its receiver
    """
    host, _, port = os.environ.get("SMTP_SERVER", "localhost:25").partition(":")
    with smtplib.SMTP(host, int(port or 25), timeout=30) as server:
        server.send_message(mail)


def main() -> int:
    """Verify, write the metrics, and mail what is wrong."""
    config, file, receiver = sys.argv[1:]
    try:
        nornir = InitNornir(config_file=config, logging={"enabled": False})
        report = verify(nornir, retry_timeout=20)  # what mends itself within that wakes nobody
    except KubeHaError as error:
        sys.stderr.write(f"verify could not be made: {error}\n")
        return error.exit_code
    write_metrics(report, Path(file))
    if nagios_status(report):
        send(mail_of(report, receiver))
    return 0


if __name__ == "__main__":
    sys.exit(main())
