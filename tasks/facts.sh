# One look at a load-balancer node, in one round trip. Reads and never changes.
#
# Set before it: NONCE, FILES, UNITS, PACKAGES, INTERFACE, HAPROXY_SOCKET, VIP, LISTEN (seconds), CA_FILE, ENDPOINT
# (VIP:PORT), APISERVERS and PEERS (ADDRESS:PORT each, of apiservers and of the other nodes' haproxy), STATS_PAGE
# (:PORT/PATH, "" if peers cannot ask there), STATS_URL, STATS_LOGIN (as curl's config quotes it). Everything it prints
# stands between lines "@NONCE SECTION", so that what a login shell adds is told apart; the last line is "@NONCE end".
export LC_ALL=C TZ=UTC PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec 2>/dev/null

section() { printf '\n@%s %s\n' "$NONCE" "$*"; }

has() { command -v "$1" >/dev/null; }

# SECTION COMMAND...: in the background, printed in one piece when it ends; short enough for a pipe not to split it.
aside() {
    name=$1
    shift
    {
        words=$("$@" | tail -c 3000)
        printf '\n@%s %s\n%s\n' "$NONCE" "$name" "$words"
    } &
}

# What is said on the wire for a while: VRRP, and who answers for the VIP. Each frame once, however often it came.
# Multicast is joined for as long as that takes, since the interface is not made promiscuous: that would alarm others.
hear() {
    socat -u UDP4-RECV:0,ip-add-membership=224.0.0.18:"$INTERFACE" OPEN:/dev/null &
    member=$!
    {
        tcpdump --no-promiscuous-mode -n -t -e -l -i "$INTERFACE" "ip proto 112 or (arp and arp src host $VIP)" 2>&1 &
        echo "pid $!"
        wait
    } | {
        while read -r line; do
            case $line in
            "pid "*) pid=${line#pid } ;;
            "listening on "*)
                {
                    ask_for_vip
                    sleep "$LISTEN"
                    kill "$pid"
                } >/dev/null &
                ;;
            *) echo "$line" ;;
            esac
        done
    } | sort -u
    kill $member
}

# Asks the whole network who has the VIP. The answers are heard above, all of them.
ask_for_vip() { arping -q -f -c 1 -w 1 -I "$INTERFACE" "$VIP" & }

# What a client sees: its words or the body, then "status NUMBER".
ask() {
    curl --disable --silent --show-error --noproxy '*' --connect-timeout 1 --max-time 3 \
        --write-out '\nstatus %{http_code}\n' "$@" 2>&1
}

probe() { ask --output /dev/null "$@"; }

api() { if [ -n "$CA_FILE" ]; then "$1" --cacert "$CA_FILE" "$2"; else "$1" --insecure "$2"; fi; }

# The same through a peer's haproxy, whoever holds the VIP.
through() {
    if [ -n "$CA_FILE" ]; then
        probe --cacert "$CA_FILE" --connect-to "$ENDPOINT:$1" "https://$ENDPOINT/readyz"
    else
        probe --insecure --connect-to "$ENDPOINT:$1" "https://$ENDPOINT/readyz"
    fi
}

# The password goes through a pipe: an argument would show in the process list.
stats_login() { printf 'user = %s\n' "$STATS_LOGIN" | probe --config - "$STATS_URL"; }

certificate() {
    shown=$(timeout 3 openssl s_client -connect "$1" -verify_ip "$VIP" ${CA_FILE:+-CAfile "$CA_FILE"} </dev/null)
    printf '%s\n' "$shown" | sed -n 's/^ *Verify return code: /verify=/p' | head -n 1
    printf '%s\n' "$shown" | openssl x509 -noout -enddate -ext subjectAltName
}

pinged() { if ping -n -q -c 1 -W 1 "$VIP" >/dev/null; then echo answered; else echo silent; fi; }

# All that waits for somebody else's answer.
probes() {
    if has ping; then aside ping pinged; fi
    if has curl; then
        aside readyz api probe "https://$ENDPOINT/readyz"
        aside version api ask "https://$ENDPOINT/version"
        aside stats_open probe "$STATS_URL"
        aside stats_login stats_login
        for peer in $PEERS; do
            aside "peer $peer" through "$peer"
            [ -z "$STATS_PAGE" ] || aside "peer_stats $peer" probe "http://${peer%:*}$STATS_PAGE"
        done
    fi
    if has openssl; then
        for apiserver in $APISERVERS; do aside "certificate $apiserver" certificate "$apiserver"; done
    fi
    if has tcpdump && has arping && has socat; then aside heard hear; fi
    wait
}

packages() {
    section package_manager
    command -v apt-get
    section packages
    # shellcheck disable=SC2086  # a list of words
    dpkg-query --show --showformat '${Package} ${Version} ${db:Status-Status}\n' $PACKAGES
    missing=
    for package in $PACKAGES; do
        [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$package")" = installed ] ||
            missing="$missing $package"
    done
    section candidates
    # Without its caches: apt-cache would write them anew, and this only looks.
    # shellcheck disable=SC2086  # a list of words
    [ -z "$missing" ] || apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy $missing
}

files() {
    for file in $FILES; do
        [ -f "$file" ] || continue
        section file "$file" "$(stat -c '%04a %U %G %Y' "$file")"
        base64 "$file"
    done
    section run_folder
    [ ! -d /run/kube-ha ] || echo there
    section pending
    ls /run/kube-ha-pending
}

units() {
    section units
    shown=Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,NRestarts
    # shellcheck disable=SC2086  # a list of words
    systemctl show --property "$shown,ActiveEnterTimestamp,StateChangeTimestamp" $UNITS
    for unit in $UNITS; do
        section program "$unit"
        readlink "/proc/$(systemctl show --property MainPID --value "$unit")/exe"
        case $(systemctl is-active "$unit") in
        active | reloading) ;;
        *)
            section journal "$unit"
            # Without what haproxy logs of each connection, which would fill these lines (local0 and local1).
            journalctl --unit "$unit" --facility daemon --lines 15 --no-pager --output cat
            ;;
        esac
    done
}

network() {
    section addresses
    ip -json address show
    section listeners
    ss --no-header --listening --tcp --numeric --processes
    # Only what stands in a packet's way to this host or from it, and no more of it than can be read.
    if has nft; then
        section packetfilter
        nft list chains | awk '/^table/ { table = $2 " " $3 } /type filter hook (prerouting|input|output|postrouting)/ { print table }' |
            sort -u | while read -r family table; do nft --json list table "$family" "$table"; done | head -c 2000000
    fi
}

haproxy_says() { [ ! -S "$HAPROXY_SOCKET" ] || echo "$1" | socat -t 2 - "UNIX-CONNECT:$HAPROXY_SOCKET"; }

daemons() {
    section haproxy
    haproxy_says 'show stat'
    section haproxy_info
    haproxy_says 'show info'
    section haproxy_processes
    ps -C haproxy -o pid=,ppid=,etimes=
    if [ -f /etc/haproxy/haproxy.cfg ] && has haproxy; then
        words=$(haproxy -c -f /etc/haproxy/haproxy.cfg 2>&1)
        section syntax haproxy $?
        printf '%s\n' "$words"
    fi
    if [ -f /etc/keepalived/keepalived.conf ] && has keepalived; then
        words=$(keepalived --config-test --use-file /etc/keepalived/keepalived.conf 2>&1)
        section syntax keepalived $?
        printf '%s\n' "$words"
    fi
    section keepalived
    keepalived_state
}

# keepalived writes its state to a file when it gets this signal. The file counts when it is newer than the signal and
# whole: JSON's last bracket is there.
keepalived_state() {
    pid=$(systemctl show --property MainPID --value keepalived)
    [ "${pid:-0}" -gt 0 ] && signal=$(keepalived --signum=JSON) || return
    dump=/tmp/keepalived.json
    before=$(stat -c '%i %y' $dump)
    kill -s "$signal" "$pid"
    tries=40
    while [ $tries -gt 0 ]; do
        # Newer first, then read, and read once: another look may have it written again at any moment. And anybody may
        # own a name in /tmp.
        if [ "$(stat -c '%i %y' $dump)" != "$before" ] && [ "$(stat -c %u $dump)" = 0 ]; then
            state=$(cat $dump)
            case $state in
            *]) echo "$state" && break ;;
            esac
        fi
        tries=$((tries - 1))
        sleep 0.025
    done
}

machine() {
    section disk
    df --output=target,size,avail,itotal,iavail -B 1 /etc /run /tmp /var/lib /var/log | tail -n +2 | sort -u
    section read_only
    for folder in /etc /run /tmp /var/lib /var/log; do [ -w $folder ] || echo $folder; done
    section denials
    # Of the last hour, and since the daemon was last started or told of new files: what was mended is not told again.
    for unit in $UNITS; do
        since=$(date -d "$(systemctl show --property StateChangeTimestamp --value "$unit")" +%s)
        hour=$(($(date +%s) - 3600))
        [ "${since:-0}" -gt "$hour" ] || since=$hour
        journalctl --quiet --no-pager --output cat --since "@$since" \
            _TRANSPORT=kernel + _TRANSPORT=audit + SYSLOG_IDENTIFIER=audisp-syslog |
            grep -E 'DENIED|avc: +denied' | grep "$unit" | tail -n 3
    done
}

look() {
    section os
    cat /etc/os-release
    section user
    id -u
    packages
    files
    units
    network
    daemons
    machine
}

section clock
date +%s.%N
# Both at once: what waits on the left, what works on the right, and the left's words when the right has ended.
probes | {
    look
    cat
}
section clock_end
date +%s.%N
section end
