"""A lab on this machine: real Debian systems in network namespaces that no packet can leave.

    layout, intent              a lab as a value, and the one that an inventory asks for
    lifecycle, hosts, reboot    a lab as a whole, and one host: disk, boot, end
    state, status               files and locks; which hosts are on and answer
    network                     namespaces and the bridge
    machine/                    commands of this machine, a host's processes, a kernel limit
    images/                     the Debian root, the package pool, a real control plane's programs
    control_plane/              keys and certificates; etcd and kube-apiserver on hosts, or the stand-in
    faults, healing             faults that need root on this machine, and what ends them
    errors                      what can fail
    door                        what other rooms may import of the lab

kube-ha itself needs no lab.
"""
