# Look at a load-balancer node, in one round trip. Changes nothing. After the package managers' functions, section.sh,
# probes.sh (which has the helpers of both), endpoint_clients.sh, nftables.sh, loads.sh, generations.sh and origins.sh.
#
# Set before it:
#   PROBED          "" to ask and hear no other machine
#   FILES, MANAGED  paths of all managed files
#   FOLDERS         the folders of those
#   HAPROXY_SOCKET  the admin socket
#   DEADLINE        seconds
#   CHECKED_FILE    the file that keepalived's check touches
#   OTHERS          addresses of the other nodes and of apiservers
#   CLIENTS_CHECK   the command that checks the clients' connections, "" for none

# A command that hangs costs its own section, not the whole look.
bounded() { timeout 5 "$@"; }

packages() {
    section package_manager
    printf '%s\n' "$FAMILY"
    section packages
    printf '%s\n' "$INSTALLED"
    missing=
    for name in $NAMES; do
        case $NEWLINE$INSTALLED in *"$NEWLINE$name "*) ;; *) missing="$missing $name" ;; esac
    done
    section candidates
    # shellcheck disable=SC2086  # a list of words
    [ -z "$FAMILY" ] || [ -z "$missing" ] || "${FAMILY}_candidates" $missing
}

# All contents in one stream, each after head's line "==> FILE <==". Their sizes tell where each one ends.
files() {
    present=
    for file in $FILES; do [ ! -f "$file" ] || present="$present $file"; done
    # shellcheck disable=SC2086  # lists of words
    [ -z "$present" ] || {
        stat -L --printf "\n@$NONCE file %n %04a %U %G %Y %s\n" $present
        section contents
        head --verbose --bytes 1000000 $present | base64
    }
    section obstacles
    obstacles
    section folders
    # shellcheck disable=SC2086  # a list of words
    stat -L -c '%n %04a %U %G' $FOLDERS
    section run_folder
    [ ! -d /run/kube-ha ] || echo there
    section pending
    for file in /run/kube-ha-pending/*; do [ ! -e "$file" ] || printf '%s\n' "${file##*/}"; done
    section lease
    for lease in /run/kube-ha-lease /var/lib/kube-ha/lease; do
        [ ! -s $lease ] || { head -c 200 $lease | { read -r holder _; printf '%s\n' "$holder"; } && break; }
    done
}

# Print what prevents a rename from replacing a managed file: "link FILE TARGET", "kind FILE WORDS", "mounted
# FILE", "immutable FILE".
obstacles() {
    for file in $FILES; do
        [ ! -L "$file" ] || printf 'link %s %s\n' "$file" "$(readlink "$file" | head -n 1)"
        [ ! -e "$file" ] || [ -f "$file" ] || stat -L -c 'kind %n %F' "$file"
    done
    while read -r _ _ _ _ point _; do
        case " $FILES " in *" $point "*) echo "mounted $point" ;; esac
    done </proc/self/mountinfo
    # shellcheck disable=SC2086  # lists of words
    lsattr -d $FILES $FOLDERS | while read -r attributes path; do
        case $attributes in *[ai]*) printf 'immutable %s\n' "$path" ;; esac
    done
}

# What a planned move of the VIP has set for keepalived, while it lasts.
moves() {
    section moves
    for file in /run/kube-ha/vip-*; do
        word=
        [ ! -f "$file" ] || { read -r word _ <"$file"; printf '%s %.20s\n' "${file##*/}" "$word"; }
    done
    for file in /run/kube-ha-forwards-* /run/kube-ha-keeps-*; do
        [ ! -f "$file" ] || printf '%s there\n' "${file##*/}"
    done
}

# Before `kubeadm init`: whether a process of ours waits for the first apiserver, and traces of a cluster that has
# served.
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
    printf '%s\n%s\n' "$HAPROXY_SHOWN" "$KEEPALIVED_SHOWN"
    haproxy_starts=$(start_words "$HAPROXY_SHOWN$NEWLINE$BETWEEN$KEEPALIVED_SHOWN")
    keepalived_starts=${haproxy_starts#*"$BETWEEN"} haproxy_starts=${haproxy_starts%"$BETWEEN"*}
    keepalived_starts=${keepalived_starts#"$NEWLINE"} haproxy_starts=${haproxy_starts%"$NEWLINE"}
    unit haproxy "$HAPROXY_SHOWN" /etc/haproxy/haproxy.cfg "$haproxy_starts"
    unit keepalived "$KEEPALIVED_SHOWN" /etc/keepalived/keepalived.conf "$keepalived_starts"
}

# UNIT SHOWN CONFIGURATION STARTS
unit() {
    value MainPID "$2"
    section program "$1"
    readlink "/proc/$VALUE/exe"
    loads "$1" "$4" "$(running_words "$VALUE")" "$3"
    value ActiveState "$2"
    case $VALUE in
    active | reloading) ;;
    *)
        section journal "$1"
        # Without haproxy's log of each connection (local0 and local1), which would fill these lines.
        bounded journalctl --unit "$1" --facility daemon --lines 15 --no-pager --output cat | head -c 9000
        ;;
    esac
}

# UNIT STARTS RUNS CONFIGURATION: print the command that a start would run, the one that runs, and what each reads.
loads() {
    section start "$1"
    printf '%s\n' "$2"
    section loads "$1" start
    loaded_files "$1" "$2" "$4"
    [ -n "$3" ] || return 0
    section running "$1"
    printf '%s\n' "$3"
    [ "${3#*"$NEWLINE"}" != "${2#*"$NEWLINE"}" ] || return 0
    section loads "$1" running
    loaded_files "$1" "$3" "$4"
}

network() {
    section addresses
    printf '%s\n' "$ADDRESSES"
    section ipv6_off
    # Not by `read`, which reads byte by byte: the kernel gives this file in one piece.
    cat "/proc/sys/net/ipv6/conf/$INTERFACE/disable_ipv6" || echo missing
    section listeners
    sockets_of tcp
    # Only hooks that a packet to this host or from it passes, and no more output than can be parsed.
    if has nft; then
        section watch
        printf '%.100000s\n' "$WATCHED"
        section packetfilter
        # A ruleset that cannot be read must not look like a host without rules.
        chains=$(bounded nft list chains) || echo unreadable
        without_watch
        case $chains in *'type filter hook '*) filters | head -c 2000000 ;; esac
        firewall
    fi
}

# Remove our own table, which drops nothing, from nft's list in `chains`.
without_watch() {
    case $chains in *"table inet kube_ha_watch {"*) ;; *) return ;; esac
    before=${chains%%"table inet kube_ha_watch {"*} after=${chains#*"table inet kube_ha_watch {"}
    chains=$before${after#*"$NEWLINE}"}
}

filters() {
    printf '%s\n' "$chains" | awk '
        /^table/ { table = $2 " " $3 }
        /type filter hook (prerouting|input|output|postrouting)/ && !seen[table]++ { print table }' |
        while read -r family table; do bounded nft --json list table "$family" "$table" || echo unreadable; done
}

# Print what manages the filter, and its rules: live, and after a boot. A manager that does not answer is left out.
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
        value UnitFileState "$NFTABLES_SHOWN"
        [ "$VALUE" != enabled ] || conf=$(nftables_conf)
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

# Print why haproxy did not answer.
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
    ask_keepalived # it writes its state while haproxy answers
    read -r up _ </proc/uptime
    asked=$((${clock%.*} + ${up%.*} - ${booted%.*}))
    # An empty line ends each answer. The short one comes first: the time to find that line grows with the square of its
    # length.
    said=$(haproxy_says 'show info;show stat')
    case $said in *"$NEWLINE$NEWLINE"*) ;;
    *)
        said=
        section haproxy_silence
        haproxy_silence
        ;;
    esac
    section haproxy
    printf '%s\n' "${said#*"$NEWLINE$NEWLINE"}"
    section haproxy_info
    printf 'Asked: %s\n%s\n' "$asked" "${said%%"$NEWLINE$NEWLINE"*}"
    value MainPID "$HAPROXY_SHOWN"
    main=$VALUE
    section haproxy_workers
    children_of "$main"
    for pid in $children; do ! age_of "$pid" || echo "$age"; done
    section replaced haproxy
    worker=${said#*"${NEWLINE}Pid: "} # old workers still run what they started with
    replaced_files "$main" "${worker%%"$NEWLINE"*}"
    section replaced keepalived
    value MainPID "$KEEPALIVED_SHOWN"
    children_of "$VALUE"
    # shellcheck disable=SC2086  # a list of numbers
    replaced_files "$VALUE" $children
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

# keepalived writes its state to a file on signal 36 (SIGRTMIN+2), in all its releases. One that was built without JSON
# does not handle the signal, and would die of it. The file counts if it is newer than the signal and whole: it ends
# with JSON's last bracket.
ask_keepalived() {
    dump=
    value MainPID "$KEEPALIVED_SHOWN"
    pid=$VALUE
    [ "${pid:-0}" -gt 0 ] && takes "$pid" 36 || return
    environ=$NEWLINE$(tr '\0' '\n' <"/proc/$pid/environ")
    VALUE=
    case $environ in *"${NEWLINE}TMPDIR="*) value TMPDIR "$environ" ;; esac
    state_folder=${VALUE:-/tmp}
    dump=/proc/$pid/root$state_folder/keepalived.json # its own /tmp, if it has one
    before=$(stat -c '%i %y' "$dump")
    kill -s 36 "$pid"
}

# PID SIGNAL, from 33 to 36: whether the process expects the signal, by a descriptor (SigBlk) or a handler (SigCgt).
takes() {
    while read -r kind mask; do
        case $kind in SigBlk: | SigCgt:) ;; *) continue ;; esac
        mask=${mask%????????}
        [ $((0x${mask#"${mask%?}"} >> ($2 - 33) & 1)) = 0 ] || return 0
    done <"/proc/$1/status"
    return 1
}

keepalived_state() {
    [ -n "$dump" ] || return
    tries=80
    while [ $tries -gt 0 ]; do
        # Check that the file is newer, then read it, and only once: another look may have it written again at any
        # moment. The owner matters because any user may create a name in /tmp.
        seen=$(stat -c '%i %y %u' "$dump")
        if [ "${seen% *}" != "$before" ] && [ "${seen##* }" = 0 ]; then
            state=$(cat "$dump")
            case $state in
            *]) printf '%s\n' "$state" && break ;;
            esac
        fi
        tries=$((tries - 1))
        sleep 0.025
    done
    [ $tries -gt 0 ] || silence="keepalived does not write its state: $state_folder/keepalived.json is $(whose "$dump")"
}

whose() {
    stat -c 'a %F of %U' "$1" || echo missing
}

# What keepalived needs for a take-over: its processes, their inotify watches and VRRP sockets, and whether it runs its
# scripts.
liveness() {
    value MainPID "$KEEPALIVED_SHOWN"
    main=$VALUE
    [ "${main:-0}" -gt 0 ] || return
    children_of "$main"
    section keepalived_processes
    # Both times are by the kernel's clock: /proc/self was made just now.
    ! times=$(stat -L -c %Y /proc/self "$CHECKED_FILE") || echo "checked $((${times%"$NEWLINE"*} - ${times#*"$NEWLINE"}))"
    kind=main processes='' fdinfo=
    for pid in $main $children; do
        name='' # the process may have ended
        if read -r name <"/proc/$pid/comm" && [ "$name" = keepalived ] && age_of "$pid"; then
            processes="$processes$kind $age $pid$NEWLINE" fdinfo="$fdinfo /proc/$pid/fdinfo/*"
        fi
        kind=child
    done
    # shellcheck disable=SC2086  # patterns
    [ -z "$processes" ] || awk -v processes="$processes" '
        BEGIN { # where a file is gone meanwhile, mawk would end
            for (i = 1; i < ARGC; i++) {
                split(ARGV[i], part, "/")
                while ((getline line <ARGV[i]) > 0) if (line ~ /^inotify/) watches[part[3]]++
                close(ARGV[i])
            }
            count = split(processes, each, "\n") - 1
            for (i = 1; i <= count; i++) { split(each[i], word, " "); print word[1], word[2], watches[word[3]] + 0 }
        }' $fdinfo
    section vrrp_sockets
    sockets_of raw
}

# PID: set `children` to those of a process, while it exists. The kernel ends this line without a newline.
children_of() {
    children=
    [ "${1:-0}" -gt 0 ] && read -r children <"/proc/$1/task/$1/children"
}

# PID: set `age` to the seconds since its start. Its name is in brackets, and may hold anything. The kernel counts in
# hundredths.
age_of() {
    read -r up _ </proc/uptime && read -r line <"/proc/$1/stat" || return
    case $line in *") "*) ;; *) return 1 ;; esac
    # shellcheck disable=SC2086  # a list of words
    set -- ${line##*) }
    age=$((${up%.*} - ${20} / 100))
}

# Print the source addresses of the host's own connections.
sources() {
    section sources
    for other in $OTHERS; do echo "route get $other"; done | ip -force -oneline -batch -
}

# Print whether the host could notify clients of a move of the VIP.
clients() {
    [ -n "$CLIENTS_CHECK" ] || return
    section clients
    # shellcheck disable=SC2086  # a list of words
    words=$(bounded $CLIENTS_CHECK 2>&1) || words="$words${NEWLINE}problem ${CLIENTS_CHECK%% *}: $(echo "$words" | tail -n 1)"
    printf '%.3000s\n' "$words"
}

# Print the etcd members that the node's own kube-apiserver uses.
etcd_servers() {
    case $SOCKETS in *'"kube-apiserver",pid='*) ;; *) return ;; esac
    pid=${SOCKETS#*'"kube-apiserver",pid='}
    section etcd_servers
    bounded tr '\0' '\n' <"/proc/${pid%%[!0-9]*}/cmdline" | sed -n 's/^--etcd-servers=//p; /^--etcd-servers$/{n;p;}'
}

machine() {
    section disk
    bounded df --output=target,size,avail,itotal,iavail -B 1 /etc /run /tmp /var/lib /var/log
    section read_only
    # shellcheck disable=SC2086  # a list of words
    for folder in /etc /run /tmp /var/lib /var/log $FOLDERS; do
        [ ! -d "$folder" ] || [ -w "$folder" ] || echo "$folder"
    done
    section denials
    bounded journalctl --quiet --no-pager --no-hostname --output short-unix --since -1h \
        _TRANSPORT=kernel + _TRANSPORT=audit + SYSLOG_IDENTIFIER=audisp-syslog | awk '
        function keep(daemon) { if (index($0, daemon)) last[daemon, count[daemon]++ % 3] = $0 }
        /^[0-9]+\.[0-9]+ .*(DENIED|avc: +denied)/ { keep("haproxy"); keep("keepalived") }
        END { for (each in last) print last[each] }'
}

look() {
    section os
    while IFS= read -r line || [ -n "$line" ]; do printf '%s\n' "$line"; done </etc/os-release
    section user
    while read -r key user _; do case $key in Uid:) echo "$user" && break ;; esac; done </proc/self/status
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
    clients
    etcd_servers
    kubeconfigs
    machine
}

# If the connection is lost, nobody ends this script: it ends itself, with all that it has started.
{
    before=${!-}  # the trap comes before the sleep, so that the script's end cannot fall between them
    trap '[ "${!-}" = "$before" ] || kill $!; exit' TERM
    sleep "$DEADLINE" &
    wait
    kill -KILL 0
} >/dev/null &
watchdog=$!

choose_family
section clock
clock=$(date +%s.%N)
read -r booted _ </proc/uptime
printf '%s\n' "$clock"
# What both `probes` and `look` need.
find_packages
show_units
show_sockets
show_network
find_direct_connections
# Run both at once: the left side waits, the right side works. The left side's output comes after the right side's.
{ [ -z "$PROBED" ] || probes; } | {
    look
    cat
}
trap '' PIPE # the reader may be gone, but the watchdog has to be ended
direct_clients
section clock_end
date +%s.%N
kill $watchdog
section end
