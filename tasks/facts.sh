# One look at a load-balancer node, in one round trip. Reads and never changes. After probes.sh, which begins with what
# both use, the package managers' functions, nftables.sh, loads.sh, generations.sh and origins.sh.
#
# Set before it: NONCE, FILES and MANAGED (all paths of ours), FOLDERS (which those are in), HAPROXY_SOCKET, DEADLINE
# (seconds), CHECKED_FILE, OTHERS (addresses of the other nodes and of apiservers). Everything it prints stands between
# lines "@NONCE SECTION", so that what a login shell adds is told apart; the last line is "@NONCE end".

# A command that hangs costs its own section, not the look.
bounded() { timeout 5 "$@"; }

packages() {
    section package_manager
    printf '%s\n' "$FAMILY"
    section packages
    # shellcheck disable=SC2086  # a list of words
    [ -z "$FAMILY" ] || known=$("${FAMILY}_installed" $NAMES)
    printf '%s\n' "$known"
    installed=" $(printf '%s\n' "$known" | cut -d ' ' -f 1 | tr '\n' ' ')"
    missing=
    for name in $NAMES; do
        case $installed in *" $name "*) ;; *) missing="$missing $name" ;; esac
    done
    section candidates
    # shellcheck disable=SC2086  # a list of words
    [ -z "$FAMILY" ] || [ -z "$missing" ] || "${FAMILY}_candidates" $missing
}

files() {
    # shellcheck disable=SC2086  # a list of words
    stat -L -c '%n %04a %U %G %Y' $FILES | while read -r file status; do
        [ -f "$file" ] || continue
        section file "$file" "$status"
        head -c 1000000 "$file" | base64
    done
    section obstacles
    obstacles
    section folders
    # shellcheck disable=SC2086  # a list of words
    stat -L -c '%n %04a %U %G' $FOLDERS
    section run_folder
    [ ! -d /run/kube-ha ] || echo there
    section pending
    ls /run/kube-ha-pending
    section lease
    for lease in /run/kube-ha-lease /var/lib/kube-ha/lease; do
        [ ! -s $lease ] || { head -c 200 $lease | head -n 1 | cut -d ' ' -f 1 && break; }
    done
}

# What makes one of our files other than a file that a rename replaces: "link FILE TARGET", "kind FILE WORDS",
# "mounted FILE", "immutable FILE".
obstacles() {
    for file in $FILES; do
        [ ! -L "$file" ] || printf 'link %s %s\n' "$file" "$(readlink "$file" | head -n 1)"
        [ ! -e "$file" ] || [ -f "$file" ] || stat -L -c 'kind %n %F' "$file"
    done
    while read -r _ _ _ _ point _; do
        case " $FILES " in *" $point "*) echo "mounted $point" ;; esac
    done </proc/self/mountinfo
    # shellcheck disable=SC2086  # a list of words
    bounded lsattr -d $FILES $FOLDERS | awk '$1 ~ /[ai]/ { print "immutable " $2 }'
}

# What a planned move of the VIP tells keepalived, as long as it lasts.
moves() {
    section moves
    for file in /run/kube-ha/vip-*; do
        [ ! -f "$file" ] || head -c 20 "$file" | { read -r word _; printf '%s %s\n' "${file##*/}" "$word"; }
    done
}

# Before `kubeadm init`: whether a process of ours waits for the first apiserver, and what a cluster leaves that has served.
first_apiserver() {
    section bootstrap
    waits=/run/kube-ha-first-apiserver
    [ ! -e $waits ] || flock --nonblock $waits true || echo "waits $(head -c 20 $waits)"
    for file in /var/lib/kube-ha/good /var/lib/kube-ha/served /etc/kubernetes/manifests/kube-apiserver.yaml /etc/kubernetes/admin.conf; do
        [ ! -e $file ] || echo "served $file"
    done
}

units() {
    section units
    printf '%s\n%s\n' "$haproxy_shown" "$keepalived_shown"
    unit haproxy "$haproxy_shown" /etc/haproxy/haproxy.cfg
    haproxy_starts=$starts
    unit keepalived "$keepalived_shown" /etc/keepalived/keepalived.conf
    keepalived_starts=$starts
}

unit() {
    section program "$1"
    readlink "/proc/$(value MainPID "$2")/exe"
    loads "$@"
    case $(value ActiveState "$2") in
    active | reloading) ;;
    *)
        section journal "$1"
        # Without what haproxy logs of each connection, which would fill these lines (local0 and local1).
        bounded journalctl --unit "$1" --facility daemon --lines 15 --no-pager --output cat | head -c 9000
        ;;
    esac
}

# UNIT SHOWN CONFIGURATION: the command that runs and the one that a start would run, and what each reads.
loads() {
    starts=$(start_words "$2") runs=$(running_words "$(value MainPID "$2")")
    section start "$1"
    printf '%s\n' "$starts"
    section loads "$1" start
    loaded_files "$1" "$starts" "$3"
    [ -n "$runs" ] || return 0
    section running "$1"
    printf '%s\n' "$runs"
    [ "${runs#*"$newline"}" != "${starts#*"$newline"}" ] || return 0
    section loads "$1" running
    loaded_files "$1" "$runs" "$3"
}

# Of both at once: a call costs systemd itself more than what it shows. Between them stands an empty line.
show_units() {
    shown=Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,NRestarts,$LOADED_PROPERTIES
    both=$(systemctl show --property "$shown,ActiveEnterTimestamp,StateChangeTimestamp,MainPID" haproxy keepalived)
    haproxy_shown=$newline${both%%"$newline$newline"*} keepalived_shown=$newline${both#*"$newline$newline"}
}

# PROPERTY SHOWN: its value in what systemctl has shown of a unit.
value() {
    from=${2#*"$newline$1="}
    printf '%s\n' "${from%%"$newline"*}"
}

network() {
    section addresses
    ip -json address show
    section ipv6_off
    cat "/proc/sys/net/ipv6/conf/$INTERFACE/disable_ipv6" || echo missing
    section listeners
    ss --no-header --listening --tcp --numeric --processes
    # Only what stands in a packet's way to this host or from it, and no more of it than can be read.
    if has nft; then
        section packetfilter
        # What cannot be read must not look like a host without rules.
        chains=$(bounded nft list chains) || echo unreadable
        filters | head -c 2000000
        firewall
    fi
}

filters() {
    printf '%s\n' "$chains" | awk '
        /^table/ { table = $2 " " $3 }
        /type filter hook (prerouting|input|output|postrouting)/ { print table }' | sort -u |
        while read -r family table; do bounded nft --json list table "$family" "$table" || echo unreadable; done
}

# What manages the filter, and which rules it has: now, and after a boot. A manager that does not tell is none.
firewall() {
    case $chains in
    *"table inet firewalld "*)
        zone=$(bounded firewall-cmd --get-zone-of-interface="$INTERFACE" || bounded firewall-cmd --get-default-zone) &&
            live=$(bounded firewall-cmd --zone="$zone" --list-rich-rules) &&
            kept=$(bounded firewall-cmd --permanent --zone="$zone" --list-rich-rules) &&
            told firewalld "$zone"
        ;;
    *"chain ufw-user-input "*) live=$(bounded ufw show added) && kept=$live && told ufw ;;
    *"type filter hook "*)
        conf=
        [ "$(systemctl is-enabled nftables)" != enabled ] || conf=$(nftables_conf)
        live='' kept=
        ! grep -qxF "$NFT_INCLUDE" "$conf" || kept=$(cat "$NFT_RULES")
        told nftables "$conf"
        section firewall_tables
        nftables_tables "$conf"
        ;;
    esac
}

told() {
    section firewall "$@"
    printf '%s\n' "$live"
    section firewall_kept
    printf '%s\n' "$kept"
}

haproxy_says() {
    [ -S "$HAPROXY_SOCKET" ] || return
    bounded socat -t 2 - "UNIX-CONNECT:$HAPROXY_SOCKET" <<EOF
$1
EOF
}

# Why haproxy did not answer.
haproxy_silence() {
    if ! has socat || ! bounded socat -V >/dev/null; then
        echo "haproxy was not asked: socat is missing or does not run"
    elif [ ! -S "$HAPROXY_SOCKET" ]; then
        echo "haproxy was not asked: there is no socket $HAPROXY_SOCKET"
    else
        clients=$(bounded ss --no-header --unix state established src "$HAPROXY_SOCKET*" | wc -l)
        echo "haproxy does not answer on $HAPROXY_SOCKET, which has $clients clients"
    fi
}

daemons() {
    asked=$(date +%s)
    # An empty line ends each answer. The short one first: what it takes to find that line grows with its square.
    said=$(haproxy_says 'show info;show stat')
    case $said in *"$newline$newline"*) ;;
    *)
        said=
        section haproxy_silence
        haproxy_silence
        ;;
    esac
    section haproxy
    printf '%s\n' "${said#*"$newline$newline"}"
    section haproxy_info
    printf 'Asked: %s\n%s\n' "$asked" "${said%%"$newline$newline"*}"
    section haproxy_workers
    ps --ppid "$(value MainPID "$haproxy_shown")" -o etimes=
    section replaced haproxy
    worker=${said#*"${newline}Pid: "} # old workers run what they were started with, until their connections end
    replaced_files "$(value MainPID "$haproxy_shown")" "${worker%%"$newline"*}"
    section replaced keepalived
    main=$(value MainPID "$keepalived_shown")
    # shellcheck disable=SC2046  # a list of numbers
    replaced_files "$main" $(cat "/proc/$main/task/$main/children")
    if [ -f /etc/haproxy/haproxy.cfg ] && has haproxy; then
        words=$(judged -c "$HAPROXY_DEFAULT" "$haproxy_starts")
        section syntax haproxy $?
        printf '%.3000s\n' "$words"
    fi
    if [ -f /etc/keepalived/keepalived.conf ] && has keepalived; then
        words=$(judged --config-test "$KEEPALIVED_DEFAULT" "$keepalived_starts")
        section syntax keepalived $?
        printf '%.3000s\n' "$words"
    fi
    section keepalived
    silence=
    keepalived_state
    section keepalived_silence
    printf '%s\n' "$silence"
}

# keepalived writes its state to a file when it gets this signal. The file counts when it is newer than the signal and
# whole: JSON's last bracket is there.
keepalived_state() {
    pid=$(value MainPID "$keepalived_shown")
    [ "${pid:-0}" -gt 0 ] && signal=$(keepalived --signum=JSON) || return
    dump=/proc/$pid/root$(state_folder)/keepalived.json # its own /tmp, if it has one
    before=$(stat -c '%i %y' "$dump")
    kill -s "$signal" "$pid"
    tries=80
    while [ $tries -gt 0 ]; do
        # Newer first, then read, and read once: another look may have it written again at any moment. And anybody may
        # own a name in /tmp.
        if [ "$(stat -c '%i %y' "$dump")" != "$before" ] && [ "$(stat -c %u "$dump")" = 0 ]; then
            state=$(cat "$dump")
            case $state in
            *]) printf '%s\n' "$state" && break ;;
            esac
        fi
        tries=$((tries - 1))
        sleep 0.025
    done
    [ $tries -gt 0 ] || silence="keepalived does not write its state: $(state_folder)/keepalived.json is $(whose "$dump")"
}

# Where keepalived, as it runs now, writes its state.
state_folder() {
    folder=$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^TMPDIR=//p')
    printf '%s\n' "${folder:-/tmp}"
}

whose() {
    stat -c 'a %F of %U' "$1" || echo missing
}

# What keepalived needs in order to take the VIP over: its processes, their inotify watches and VRRP sockets, and whether it
# runs its scripts.
liveness() {
    main=$(value MainPID "$keepalived_shown")
    [ "${main:-0}" -gt 0 ] || return
    section keepalived_processes
    # Both by the kernel's clock: /proc/self was made just now.
    ! times=$(stat -L -c %Y /proc/self "$CHECKED_FILE") || echo "checked $((${times%"$newline"*} - ${times#*"$newline"}))"
    ps -o pid=,etimes=,comm= --pid "$main" --ppid "$main" | while read -r pid age name; do
        kind=child
        [ "$pid" != "$main" ] || kind=main
        [ "$name" != keepalived ] || echo "$kind $age $(cat "/proc/$pid/fdinfo"/* | grep -c '^inotify')"
    done
    section vrrp_sockets
    ss --no-header --raw --all --numeric --processes | grep ':112 ' | head -c 10000
}

# Which of its addresses the host's own connections start from.
sources() {
    section sources
    for other in $OTHERS; do bounded ip -oneline route get "$other"; done
}

machine() {
    section disk
    bounded df --output=target,size,avail,itotal,iavail -B 1 /etc /run /tmp /var/lib /var/log | tail -n +2 | sort -u
    section read_only
    # shellcheck disable=SC2086  # a list of words
    for folder in /etc /run /tmp /var/lib /var/log $FOLDERS; do
        [ ! -d "$folder" ] || [ -w "$folder" ] || echo "$folder"
    done
    section denials
    hour=$(($(date +%s) - 3600))
    denials haproxy "$haproxy_shown"
    denials keepalived "$keepalived_shown"
}

# Of the last hour, and since the daemon was last started or told of new files: what was mended is not told again.
denials() {
    since=$(date -d "$(value StateChangeTimestamp "$2")" +%s)
    [ "${since:-0}" -gt "$hour" ] || since=$hour
    bounded journalctl --quiet --no-pager --output cat --since "@$since" \
        _TRANSPORT=kernel + _TRANSPORT=audit + SYSLOG_IDENTIFIER=audisp-syslog |
        grep -E 'DENIED|avc: +denied' | grep "$1" | tail -n 3
}

look() {
    section os
    cat /etc/os-release
    section user
    id -u
    show_units
    packages
    files
    origins
    moves
    first_apiserver
    units
    network
    sources
    daemons
    liveness
    machine
}

# Nobody ends a script whose connection is gone: it ends itself, with all that it has started.
{
    sleep "$DEADLINE" &
    trap 'kill $!; exit' TERM
    wait
    kill -KILL 0
} >/dev/null &
watchdog=$!

choose_family
section clock
date +%s.%N
# Both at once: what waits on the left, what works on the right, and the left's words when the right has ended.
probes | {
    look
    cat
}
trap '' PIPE # nobody may be there to read this; the watchdog ends all the same
section clock_end
date +%s.%N
kill $watchdog
section end
