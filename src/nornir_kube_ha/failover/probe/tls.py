"""TLS settings of connections, and the client's certificate."""

from __future__ import annotations

import os
import ssl

from nornir_kube_ha.failover.probe.settings import Kubernetes


def context_for(ca: str | None) -> ssl.SSLContext:
    """Return the TLS settings for all connections.

    Arguments:
        ca: CA certificates in PEM; None to verify nothing

    Raises:
        ssl.SSLError: the CA is invalid
    """
    if ca is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        # cadata takes ASCII only, and text around the certificates may be anything.
        context = ssl.create_default_context(cadata=ca.encode("ascii", "ignore").decode())
    context.set_alpn_protocols(["http/1.1"])
    return context


def credential_context(kubernetes: Kubernetes) -> ssl.SSLContext:
    """Return the TLS settings for API connections, with the client certificate if there is one.

    Arguments:
        kubernetes: settings with the credential

    Raises:
        OSError: the CA, the certificate or its key is invalid, or the key is encrypted
    """
    context = context_for(kubernetes.ca)
    if kubernetes.certificate:
        number = os.memfd_create("credential")  # load_cert_chain reads files only; this one is in memory
        try:
            data = f"{kubernetes.certificate.strip()}\n{kubernetes.key.strip()}\n".encode()
            with open(number, "wb", closefd=False) as file:
                file.write(data)
            # An empty password, because OpenSSL would otherwise prompt for that of an encrypted key.
            context.load_cert_chain(f"/proc/self/fd/{number}", password="")
        finally:
            os.close(number)
    return context
