# Connections that are there while the VIP moves as planned: they go on where they are for a moment, then they are reset.
#
# Before move.sh. Set before it: VIP, VIPS (all that move), PORT, DRAIN (seconds; "" to leave connections alone), HOLDER (addresses
# of the node that has the VIP, one of each family), HOLDER_MAC (its hardware address, "" if unknown), TELL (what tells
# clients), UNIT (what timers' names begin with), TABLE (nftables' name for it), and files that are there as long as they say:
# FORWARDS (this node passes segments on: keepalived's notify tells nobody), KEEPS (this node keeps connections: likewise).
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
KEPT_FOR=10 # seconds beyond DRAIN; by then the host itself ends what a controller that is gone has begun
IGNORE=/proc/sys/net/ipv4/conf/all/arp_ignore ANNOUNCE=/proc/sys/net/ipv4/conf/all/arp_announce
ARP=/run/kube-ha-arp # what both were before
UNDO_FORWARD="nft delete table ip $TABLE; nft delete table ip6 $TABLE; rm -f $FORWARDS"
# Where the VIP has gone, those that are left are reset while their clients still hear that from the VIP. Then the routes:
# until they are gone, the node must not speak for it.
RESET='' DELETE=''
for vip in $VIPS; do
    DELETE="$DELETE ip route del local $vip dev lo table local metric 10;"
    case $vip in *:*) vip="[$vip]" ;; esac
    RESET="$RESET ss -K -Htn src $vip sport = :$PORT;"
done
# systemd takes ${NAME} and $$ in a command for its own, and leaves $NAME alone.
UNDO_KEEP="[ -n \"\$(ip -oneline address show to $VIP)\" ] || { $RESET }; $DELETE rm -f $KEEPS
    ls ${KEEPS%-*}-* || { read -r ignore announce <$ARP && echo \$ignore >$IGNORE && echo \$announce >$ANNOUNCE; rm -f $ARP; }"

# ROLE COMMAND: have the host do it in time, whatever becomes of this script.
later() {
    systemd-run --quiet --collect --unit "$UNIT-$1" --on-active $((${DRAIN%.*} + KEPT_FOR)) \
        --timer-property AccuracySec=1s sh -c "$2" >&2
}

# What an earlier move has left here too, in either part.
undo() {
    systemctl stop "$UNIT-forward.timer" "$UNIT-keep.timer"
    sh -c "$UNDO_FORWARD"
    [ ! -e "$KEEPS" ] || sh -c "$UNDO_KEEP"
} >/dev/null 2>&1

# VERSION WORD...: those that are addresses of that version.
of() {
    version=$1
    shift
    for word; do
        case $version$word in 6*:*) echo "$word" ;; 6*) ;; *:*) ;; *) echo "$word" ;; esac
    done
}

# Before this node has the VIP: have it pass on what comes for connections that the holder has. That is each segment that
# begins no connection, and belongs to none that was begun here. Where that cannot be done, they are reset as the VIP comes.
# Nothing that the holder itself sends: it may be such a segment that it sends back.
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

# Once they have ended, and for any that have not: their clients are told, by a unit of its own: that takes its time.
stop_forwarding() {
    undo
    [ -z "$DRAIN" ] || ! holds || systemd-run --quiet --collect sh -c "$TELL" >&2
    return 0
}

# Before this node lets the VIP go: its connections go on as long as its kernel takes what comes for the VIP as its own. It
# neither answers for the VIP by ARP then, nor asks in its name.
keep() {
    undo
    later keep "$UNDO_KEEP" || return
    true >"$KEEPS" || return
    [ -e $ARP ] || { echo "$(cat $IGNORE) $(cat $ANNOUNCE)" >$ARP.new && mv $ARP.new $ARP; } || return
    [ "$(cat $IGNORE)" -ge 1 ] || echo 1 >$IGNORE || return
    [ "$(cat $ANNOUNCE)" -ge 2 ] || echo 2 >$ANNOUNCE || return
    for vip in $VIPS; do ip route add local "$vip" dev lo table local metric 10 || return; done
}

# In time, and whatever became of the move.
let_go() { [ ! -e "$KEEPS" ] || undo; }
