# A planned move of the VIP, this host's part. Set before it: VIP, WANTED (a number that is added to this node's priority),
# WANTED_FILE, RELEASED_FILE, UNIT (of the timer that ends this node's part), SECONDS_TO_LAST ("" for a preference that
# stays), VIPS (all that move), PORT, INTERFACE, DRAIN (seconds for which connections go on, "" to leave them alone), REST
# (more seconds until the others have settled who has the VIP), HOLDER (addresses of the node that has it, one of each
# family), TELL (what tells clients that are left), FORWARDS (a file that keeps keepalived from that). Calls of one of these are appended.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
MOST_DRAINING=30 # seconds beyond DRAIN; by then the host itself ends what a controller that is gone has begun

holds() { [ -n "$(ip -oneline address show to "$VIP")" ]; }

# CONDITION: within two seconds, or not.
within() {
    tries=100
    while ! "$@"; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.02
    done
}

lacks() { ! holds; }

disarm() { systemctl stop "$UNIT.timer" 2>/dev/null || true; }

# Before anything is written: whatever becomes of the controller, this node gets its own priority back in time.
arm() {
    disarm
    [ -n "$SECONDS_TO_LAST" ] || return 0
    systemd-run --quiet --collect --unit "$UNIT" --on-active "$SECONDS_TO_LAST" --timer-property AccuracySec=1s \
        sh -c "echo 0 >$WANTED_FILE; echo 0 >$RELEASED_FILE" >&2 || {
        echo "systemd does not take the timer that would end it" >&2
        exit 1
    }
}

# SECONDS COMMAND: have the host do something later, whatever becomes of this script; instead of what it was to do before.
later() {
    systemctl stop "$UNIT-drain.timer" 2>/dev/null
    systemd-run --quiet --collect --unit "$UNIT-drain" --on-active "$1" --timer-property AccuracySec=1s sh -c "$2" >&2
}

# Words that are addresses of IPv4, or with 6 of IPv6.
of() {
    version=$1
    shift
    for word; do
        case $version$word in 6*:*) echo "$word" ;; 6*) ;; *:*) ;; *) echo "$word" ;; esac
    done
}

UNDO="nft delete table ip kube_ha_move; nft delete table ip6 kube_ha_move; rm -f $FORWARDS"

# Before this node has the VIP: have it pass on what comes for connections that the present holder has, as they stay there
# for a moment. That is each segment that begins no connection, and belongs to none that was begun here. Where that cannot
# be done, they are reset when the VIP comes. Their clients are told when that is over, and not by the VIP's coming.
forward() {
    [ -n "$DRAIN" ] || return 0
    later $((${DRAIN%.*} + MOST_DRAINING)) "$UNDO; $TELL" || return 0
    true >"$FORWARDS"
    for version in 4 6; do
        family=ip
        [ $version = 4 ] || family=ip6
        # shellcheck disable=SC2086  # lists of words
        moving=$(of $version $VIPS | paste -s -d ,) other=$(of $version $HOLDER)
        [ -n "$moving" ] && [ -n "$other" ] || continue
        nft "table $family kube_ha_move { chain passed_on {
            type filter hook prerouting priority -150;
            $family daddr { $moving } tcp dport $PORT tcp flags & (fin | syn | rst | ack) != syn ct state new dup to $other drop; }; }"
    done 2>/dev/null
    return 0
}

# Once they have ended, and for any that have not: their clients are told.
stop_forwarding() {
    [ -n "$DRAIN" ] || return 0
    systemctl stop "$UNIT-drain.timer" 2>/dev/null
    sh -c "$UNDO" 2>/dev/null
    # shellcheck disable=SC2086  # a command
    $TELL >/dev/null 2>&1 </dev/null &
}

# Before this node lets the VIP go: its connections go on as long as its kernel takes what comes for the VIP as its own. It
# says so to nobody: with arp_ignore it answers for addresses of the interface alone.
keep() {
    arp=/proc/sys/net/ipv4/conf/$INTERFACE/arp_ignore
    ignored=$(cat "$arp") || return
    drop="echo $ignored >$arp"
    for vip in $VIPS; do drop="$drop; ip route del local $vip dev lo table local"; done
    later $((${DRAIN%.*} + MOST_DRAINING)) "$drop" || return
    [ "$ignored" != 0 ] || echo 1 >"$arp"
    for vip in $VIPS; do ip route replace local "$vip" dev lo table local; done
}

# Those that are left are reset while the clients still hear that from the VIP.
let_go() {
    [ -n "$drop" ] || return
    for vip in $VIPS; do
        case $vip in *:*) vip="[$vip]" ;; esac
        ss -K -Htn "( src $vip and sport = :$PORT )" >/dev/null 2>&1
    done
    systemctl stop "$UNIT-drain.timer" 2>/dev/null
    sh -c "$drop" 2>/dev/null
    drop=''
}

prefer() {
    if [ "$WANTED" = 0 ]; then
        echo 0 >"$WANTED_FILE" && disarm
    else
        arm
        echo "$WANTED" >"$WANTED_FILE"
    fi
}

# As if haproxy had ended: an advert of priority 0 tells the others, and the first of them takes the VIP. What becomes of
# this script or of its controller, the node is ready for the VIP again when this ends. The timer is for a script that is
# killed; it may be another preference's as well, so it is not stopped here.
release() {
    drop=''
    trap 'let_go; echo 0 >"$RELEASED_FILE"' EXIT
    trap 'exit 1' HUP INT TERM
    holds || exit 0
    arm
    [ -z "$DRAIN" ] || keep
    echo 1 >"$RELEASED_FILE" || exit
    within lacks || {
        echo "keepalived does not let it go" >&2
        exit 1
    }
    sleep "${DRAIN:-0}"
    let_go
    sleep "$REST" # until the others have settled who has it, this node must not take part
}

take() {
    within holds && return
    echo "keepalived does not take it" >&2
    exit 1
}
