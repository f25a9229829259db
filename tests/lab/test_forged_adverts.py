"""Who is no peer, and says by VRRP to be ahead of all, is not listened to: the VIP stays where it is."""

import time

from rig.lab import HOSTS, MASTER, VIP, Lab

# By RFC 5798: version 3, priority 255, one address, the checksum over the pseudo header too.
FORGE = """
import socket, struct, sys, time
there, vrid, vip = sys.argv[1], int(sys.argv[2]), sys.argv[3]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
    way.connect((there, 9))
    here = way.getsockname()[0]
def advert(checksum):
    return struct.pack("!BBBBHH", 0x31, vrid, 255, 1, 10, checksum) + socket.inet_aton(vip)
pseudo = socket.inet_aton(here) + socket.inet_aton(there) + struct.pack("!HH", 112, len(advert(0)))
total = sum(struct.unpack("!12H", pseudo + advert(0)))
total = (total & 0xFFFF) + (total >> 16)
with socket.socket(socket.AF_INET, socket.SOCK_RAW, 112) as wire:
    wire.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
    for _ in range(30):
        wire.sendto(advert(~total & 0xFFFF), (there, 0))
        time.sleep(0.1)
"""
SAID = "journalctl --unit keepalived --since @{since} --output cat"


def test_vip_stays_where_it_is(deployed: Lab) -> None:
    deployed.bring_vip_home()
    since = int(time.time())
    forged = ("python3", "-c", FORGE, "192.0.2.11", "68", VIP)
    assert deployed.kube_ha("lab", "exec", "--lab", deployed.name, "--", *forged).status == 0
    assert "not a unicast peer" in deployed.run(MASTER, SAID.format(since=since))
    assert deployed.is_vip_home()
    for host in HOSTS:
        assert "Entering" not in deployed.run(host, SAID.format(since=since)), host
