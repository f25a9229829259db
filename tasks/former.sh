# Find out whether former nodes still answer, and whether their kernels accept VRRP. Changes nothing.
#
# After section.sh. Set before it: INTERFACE, ADDRESS (our own), PORT (haproxy's), FORMER (addresses). Prints sections
# "answers ADDRESS HOW" and "rejects ADDRESS".
export LC_ALL=C TZ=UTC PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec 2>/dev/null
LISTENING=3 # seconds; a kernel reports an unknown protocol to each sender once a second at most

# Without a VRRP socket, a kernel rejects the holder's adverts and this script's packets below. The other codes in this
# filter are a firewall's: a keepalived behind it would receive no adverts, become master, and be heard. The quoted
# packet must be VRRP.
rejections() {
    # shellcheck disable=SC2016  # expanded by the inner shell
    timeout $LISTENING sh -c 'exec tcpdump --immediate-mode --no-promiscuous-mode -n -t -l -i "$1" "$2"' sh "$INTERFACE" \
        '(icmp[0] = 3 and (icmp[1] = 2 or icmp[1] = 9 or icmp[1] = 10 or icmp[1] = 13) and icmp[17] = 112) or
        (ip6 proto 58 and ((ip6[40] = 4 and ip6[41] = 1) or (ip6[40] = 1 and ip6[41] = 1)) and ip6[54] = 112)' |
        awk '{ print $2 }' | sort -u |
        while read -r from; do case " $FORMER " in *" $from "*) section rejects "$from" ;; esac done
}

# One byte is not an advert: keepalived drops it.
ask_former() {
    case $1 in *:*) version=6 at="[$1]" ;; *) version=4 at=$1 ;; esac
    (for _ in 1 2 3; do echo | socat -u - "IP$version-SENDTO:$at:112"; sleep 0.5; done) &
    ! ping -n -q -c 3 -i 0.3 -W 1 "$1" >/dev/null || section answers "$1" ping
    case $1 in
    *:*) ;;
    *) ! arping -q -f -c 2 -w 2 -s "$ADDRESS" -I "$INTERFACE" "$1" >/dev/null || section answers "$1" ARP ;;
    esac
    ! timeout 3 socat -u /dev/null "TCP:$at:$PORT,connect-timeout=2" || section answers "$1" "port $PORT"
    wait
}

rejections &
sleep 0.3 # until tcpdump listens
for machine in $FORMER; do ask_former "$machine" & done
wait
section end
