"""Real hosts on this machine: a lab of Debian systems in network namespaces that no packet can leave.

    layout     what a lab consists of, as a value            intent     the layout that an inventory asks for
    image      the Debian root and the package pool          pki        keys and certificates
    network    namespaces, the bridge, how to enter them     cgroup     how a host's processes are counted and ended
    hosts      a host's disk, its boot, its end              status     which hosts are on, and answer
    lifecycle  up, down, power: a lab as a whole             reboot     what a host that reboots goes through
    state      where a lab's files are, and the locks        inotify    a limit of the kernel that many hosts need
    apiserver  the kube-apiserver stand-in on the hosts

The product runs without it. It knows of the product what an inventory says should be, and nothing more.
"""
