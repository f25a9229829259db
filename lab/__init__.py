"""A lab on this machine: real Debian systems in network namespaces that no packet can leave.

    layout, intent              a lab as a value, and the one that an inventory asks for
    lifecycle, hosts, reboot    a lab as a whole, and one host: disk, boot, end
    state, status               files and locks; which hosts are on and answer
    network, cgroup, inotify    namespaces and the bridge; a host's processes; a kernel limit
    image, build, programs      the Debian root, the package pool, a real control plane's programs
    pki, control_plane          keys and certificates; etcd and kube-apiserver on hosts
    apiserver                   the kube-apiserver stand-in that runs on hosts
    faults, healing             faults that need root on this machine, and what ends them
    command, errors             commands of this machine, and what can fail
    door                        what other rooms may import of the lab

kube-ha itself needs no lab.
"""
