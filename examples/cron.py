#!/usr/bin/env python3
"""Verify from cron: metrics for node_exporter's textfile collector, and a mail with JUnit unless all is OK.

    */5 * * * *  ops  python examples/cron.py config.yaml /var/lib/node_exporter/kube_ha.prom noc@example.com

`config.yaml` is a Nornir configuration file. The script prints nothing unless the run could not start; cron mails what
is printed. $SMTP_SERVER is the mail server as HOST:PORT; the default is `localhost:25`.
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
    """Write the metrics as Prometheus text. A reader sees the old file or the new one, never a part.

    Arguments:
        report: the run's report
        file: a `*.prom` file in the collector's folder
    """
    new = file.with_suffix(".new")
    new.write_text(to_prometheus(report), encoding="utf-8")
    new.replace(file)


def mail_of(report: Report, receiver: str) -> EmailMessage:
    """Return a mail with the report, and with all checks attached as JUnit."""
    mail = EmailMessage()
    mail["Subject"] = to_nagios(report).splitlines()[0].partition("|")[0].strip()
    mail["From"], mail["To"] = "kube-ha@localhost", receiver
    mail.set_content(to_text(report))
    mail.add_attachment(to_junit(report).encode(), maintype="application", subtype="xml", filename="report.xml")
    return mail


def send(mail: EmailMessage) -> None:
    """Send a mail through $SMTP_SERVER."""
    host, _, port = os.environ.get("SMTP_SERVER", "localhost:25").partition(":")
    with smtplib.SMTP(host, int(port or 25), timeout=30) as server:
        server.send_message(mail)


def main() -> int:
    """Verify, write the metrics, and mail the report unless all is OK."""
    config, file, receiver = sys.argv[1:]
    try:
        nornir = InitNornir(config_file=config, logging={"enabled": False})
        report = verify(nornir, retry_timeout=20)  # seconds; no mail for what recovers in this time
    except KubeHaError as error:
        sys.stderr.write(f"verify failed to run: {error}")
        return error.exit_code
    write_metrics(report, Path(file))
    if nagios_status(report):
        send(mail_of(report, receiver))
    return 0


if __name__ == "__main__":
    sys.exit(main())
