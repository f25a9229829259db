"""Real hosts on this machine: a lab of Debian systems in network namespaces that no packet can leave.

    layout     what a lab consists of, as a value
    image      the Debian root and the package pool, built once
    network    namespaces, the bridge, and how a process enters them
    cgroup     how a host's processes are counted and ended
    hosts      a host's disk, boot and end
    pki        keys and certificates
    apiserver  the kube-apiserver stand-in that runs on the hosts
    lifecycle  up, down, status: all of it together

The product runs without it; it knows nothing of the product.
"""
