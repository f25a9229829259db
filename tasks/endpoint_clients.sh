# Whether this host's own clients use the control-plane endpoint. After section.sh and probes.sh, before facts.sh.
# Changes nothing.
#
# Set before it:
#   KUBECONFIGS  patterns of paths; "" to read none
#   DIRECT       ss's filter of connections to an apiserver's own port; "" to list none
#   ELSEWHERE    ADDRESS:PORT of each apiserver on another host

# Print "file PATH", then the server URL of each cluster in it. Only scheme, host and port leave the host. "unreadable"
# stands for any other URL, since it may have a password in it.
kubeconfigs() {
    [ -n "$KUBECONFIGS" ] || return 0
    section kubeconfigs
    set --
    for file in $KUBECONFIGS; do [ ! -f "$file" ] || [ $# -ge 40 ] || set -- "$@" "$file"; done
    [ $# = 0 ] || bounded awk '
        BEGIN { # where a file is gone meanwhile, mawk would end
            before = "(^|[ \t{,\"\047])server[\"\047]?[ \t]*:[ \t]*[\"\047]?"
            for (i = 1; i < ARGC; i++) {
                path = ARGV[i]
                gsub(/[^ -~]/, "?", path)
                printf "file %.200s\n", path
                lines = found = 0
                while (found < 20 && lines++ < 2000 && (getline line <ARGV[i]) > 0)
                    while (found < 20 && match(line, before "https?://[^ \t\"\047,}]*")) {
                        url = substr(line, RSTART, RLENGTH)
                        line = substr(line, RSTART + RLENGTH)
                        match(url, before)
                        url = substr(url, RSTART + RLENGTH)
                        scheme = url
                        sub(/:.*/, "", scheme)
                        sub(/^https?:\/\//, "", url)
                        found++
                        if (url ~ /@/) url = ""
                        sub(/[\/?#].*/, "", url)
                        if (url ~ /^[A-Za-z0-9.:_\[\]-]+$/) printf "server %s://%.260s\n", scheme, url
                        else print "server unreadable"
                    }
                close(ARGV[i])
            }
        }' "$@"
}

# Print the connections to an apiserver's own port, of this host's processes and of other machines.
direct_connections() { bounded ss --no-header --tcp --numeric --processes state established "( $DIRECT )"; }

# Before the probes, which connect to apiservers themselves.
find_direct_connections() {
    DIRECT_BEFORE=
    [ -z "$DIRECT" ] || DIRECT_BEFORE=$(direct_connections) || DIRECT=
}

# After the probes: print what was connected then and still is, as "out COUNT APISERVER PROCESS" and "in COUNT PEER".
# Looks at other hosts, and checks by the controller, connect for a moment only.
direct_clients() {
    [ -n "$DIRECT" ] && now=$(direct_connections) || return 0
    section direct_clients
    printf '%s\nagain\n%s\n' "$DIRECT_BEFORE" "$now" | awk -v elsewhere=" $ELSEWHERE " '
        function plain(address) {
            if (address !~ /^\[::ffff:[0-9.]+\]:/) return address
            sub(/^\[::ffff:/, "", address)
            sub(/\]/, "", address)
            return address
        }
        $0 == "again" { second = 1; next }
        NF < 4 { next }
        !second { known[$3, $4] = 1; next }
        !(($3, $4) in known) { next }
        {
            peer = plain($4)
            process = $0
            if (!sub(/^.*users:\(\("/, "", process) || !sub(/",pid=.*/, "", process)) process = "?"
            if (index(elsewhere, " " peer " ")) {
                if (process != "haproxy") count["out", peer " " process]++
            } else {
                sub(/:[0-9]+$/, "", peer)
                count["in", peer]++
            }
        }
        END {
            for (each in count) {
                split(each, part, SUBSEP)
                if (printed++ < 50) printf "%s %d %.100s\n", part[1], count[each], part[2]
                else left++
            }
            if (left) print "more " left
        }'
}
