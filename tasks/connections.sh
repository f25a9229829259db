# Existing connections during a planned move of the VIP: they continue on the old holder for a moment, then are reset.
#
# Before move.sh. Set before it:
#   VIP, VIPS   the first VIP, and all that move
#   PORT        haproxy's
#   DRAIN       seconds; "" to leave connections alone
#   HOLDER      addresses of the VIP holder, one of each family
#   HOLDER_MAC  its hardware address, "" if unknown
#   TELL        the command that notifies clients
#   UNIT        prefix of the timers' names
#   TABLE       name of the nftables table
#   FORWARDS    a file that exists while this node forwards packets
#   KEEPS       a file that exists while this node keeps connections
# While one of the two files exists, keepalived's notify script notifies no clients.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
KEPT_FOR=10 # seconds beyond DRAIN; then the host itself ends what a lost controller has begun
IGNORE=/proc/sys/net/ipv4/conf/all/arp_ignore ANNOUNCE=/proc/sys/net/ipv4/conf/all/arp_announce
ARP=/run/kube-ha-arp # the previous values of both
UNDO_FORWARD="nft delete table ip $TABLE; nft delete table ip6 $TABLE; rm -f $FORWARDS"
# If this node no longer has the VIP, the remaining connections are reset while it can still send from the VIP. The routes
# are removed after that: until then, this node must not answer ARP for the VIP.
RESET='' DELETE=''
for vip in $VIPS; do
    DELETE="$DELETE ip route del local $vip dev lo table local metric 10;"
    case $vip in *:*) vip="[$vip]" ;; esac
    RESET="$RESET ss -K -Htn src $vip sport = :$PORT;"
done
# In a command, systemd replaces ${NAME} and $$, but not $NAME within a word.
UNDO_KEEP="[ -n \"\$(ip -oneline address show to $VIP)\" ] || { $RESET }; $DELETE rm -f $KEEPS
    ls ${KEEPS%-*}-* || { read -r ignore announce <$ARP && echo \$ignore >$IGNORE && echo \$announce >$ANNOUNCE; rm -f $ARP; }"

# ROLE COMMAND: have systemd run the command in time, even if this script or the controller is gone.
later() {
    systemd-run --quiet --collect --unit "$UNIT-$1" --on-active $((${DRAIN%.*} + KEPT_FOR)) \
        --timer-property AccuracySec=1s sh -c "$2" >&2
}

# Undo both roles, also what an earlier move has left here.
undo() {
    systemctl stop "$UNIT-forward.timer" "$UNIT-keep.timer"
    sh -c "$UNDO_FORWARD"
    [ ! -e "$KEEPS" ] || sh -c "$UNDO_KEEP"
} >/dev/null 2>&1

# VERSION WORD...: print the words that are addresses of that version.
of() {
    version=$1
    shift
    for word; do
        case $version$word in 6*:*) echo "$word" ;; 6*) ;; *:*) ;; *) echo "$word" ;; esac
    done
}

stop_forwarding_changes() { [ -e "$FORWARDS" ] || [ -e "$KEEPS" ]; }

forward_changes() { if [ -n "$DRAIN" ]; then [ ! -e "$FORWARDS" ]; else stop_forwarding_changes; fi; }

# Before this node has the VIP: forward packets of the holder's connections to the holder. These are segments that begin
# no connection, and belong to none that began here. Where that is not possible, the connections are reset as the VIP
# comes. What the holder itself sends is not forwarded: it may be such a segment that it sends back.
forward() {
    undo
    [ -n "$DRAIN" ] && later forward "$UNDO_FORWARD; $TELL" || return 0
    true >"$FORWARDS"
    for version in 4 6; do
        family=ip
        [ $version = 4 ] || family=ip6
        # shellcheck disable=SC2086  # lists of words
        moving=$(of $version $VIPS | paste -s -d ,) other=$(of $version $HOLDER)
        [ -n "$moving" ] && [ -n "$other" ] || continue
        what="$family daddr { $moving } tcp dport $PORT"
        nft "table $family $TABLE { chain passed_on {
            type filter hook prerouting priority -150;
            ${HOLDER_MAC:+ether saddr $HOLDER_MAC return;}
            $what tcp flags & (fin | syn | rst | ack) != syn ct state new dup to $other drop;
            $what tcp flags & (fin | rst) != 0 ct state invalid dup to $other drop; }; }"
    done 2>/dev/null
    return 0
}

# After the drain, and for connections that are still open: notify clients, in a unit of its own, since that takes time.
stop_forwarding() {
    undo
    [ -z "$DRAIN" ] || ! holds || systemd-run --quiet --collect sh -c "$TELL" >&2
    return 0
}

# Before this node releases the VIP: its kernel goes on to accept packets for the VIP, so its connections go on.
# Meanwhile it neither answers ARP for the VIP nor sends ARP requests from it.
keep() {
    undo
    later keep "$UNDO_KEEP" || return
    true >"$KEEPS" || return
    [ -e $ARP ] || { echo "$(cat $IGNORE) $(cat $ANNOUNCE)" >$ARP.new && mv $ARP.new $ARP; } || return
    [ "$(cat $IGNORE)" -ge 1 ] || echo 1 >$IGNORE || return
    [ "$(cat $ANNOUNCE)" -ge 2 ] || echo 2 >$ANNOUNCE || return
    for vip in $VIPS; do ip route add local "$vip" dev lo table local metric 10 || return; done
}

# Undo it in time, whatever the outcome of the move.
let_go() { [ ! -e "$KEEPS" ] || undo; }
