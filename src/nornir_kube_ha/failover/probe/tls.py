"""What a connection is verified by, and the client's certificate."""

from __future__ import annotations

import os
import ssl

from nornir_kube_ha.failover.probe.settings import Kubernetes


def context_for(ca: str | None) -> ssl.SSLContext:
    """Make what a connection is verified by; one for all of them.

    Arguments:
        ca: certificates in PEM; none to verify nothing

    Raises:
        ssl.SSLError: the CA is none
    """
    if ca is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        # Python takes ASCII only; what a file says around its certificates may be anything.
        context = ssl.create_default_context(cadata=ca.encode("ascii", "ignore").decode())
    context.set_alpn_protocols(["http/1.1"])
    return context


def credential_context(kubernetes: Kubernetes) -> ssl.SSLContext:
    """Make what an API connection is verified by, with the client's certificate if it has one.

    Arguments:
        kubernetes: with the credential

    Raises:
        OSError: the CA, the certificate or its key is none, or the key is encrypted
    """
    context = context_for(kubernetes.ca)
    if kubernetes.certificate:
        number = os.memfd_create("credential")  # OpenSSL reads files only; this one is on no disk
        try:
            data = f"{kubernetes.certificate.strip()}\n{kubernetes.key.strip()}\n".encode()
            with open(number, "wb", closefd=False) as file:
                file.write(data)
            # With a password that is none: OpenSSL would ask at the terminal for that of an encrypted key.
            context.load_cert_chain(f"/proc/self/fd/{number}", password="")
        finally:
            os.close(number)
    return context
