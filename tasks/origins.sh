# Find out where the live configuration comes from, by what the host has kept. Before facts.sh, after the families'
# functions and generations.sh (whose names it uses). Changes nothing.
WRITTEN=/var/lib/kube-ha/written # by written.sh

# Print "@NONCE origin PATH KIND [CLUSTER]" for each file without our header; nornir_kube_ha.facts.origin explains them.
# Then print the peers that earlier generations of keepalived.conf name.
origins() {
    unmarked=$(grep -LsF 'Written by nornir-kube-ha for cluster' /etc/haproxy/haproxy.cfg /etc/keepalived/keepalived.conf)
    for file in $unmarked; do
        [ ! -f "$file" ] || section origin "$file" "$(origin_of "$file")"
    done
    section kept_peers
    [ ! -d "$GENERATIONS" ] || kept_peers
}

kept_peers() {
    set --
    for folder in "$GENERATIONS"/*; do
        number=${folder##*/}
        case $number in *[!0-9]* | "${number%??????}") continue ;; esac # as `numbers`, without a process for each
        file=$GENERATIONS/$number/files/etc/keepalived/keepalived.conf
        [ ! -f "$file" ] || set -- "$@" "$file"
    done
    while [ $# -gt 20 ]; do shift; done
    [ $# = 0 ] || head -q -c 100000 "$@" | awk '
        /unicast_peer/ { within = 1 }
        within {
            line = $0
            gsub(/[^0-9a-fA-F:.]+/, " ", line)
            count = split(line, word, " ")
            for (i = 1; i <= count; i++)
                if (length(word[i]) > 2 && length(word[i]) < 46 && !seen[word[i]]++ && found++ < 200) print word[i]
        }
        /}/ { within = 0 }'
}

origin_of() {
    kept=$(kept_line "$1")
    if [ -n "$FAMILY" ] && "${FAMILY}_unchanged" "$1"; then
        echo packaged
    elif cmp -s "$1" "$BEFORE$1"; then
        echo before
    elif [ -n "$kept" ] && [ "${kept%% *}" = "$(sha256sum <"$1" | cut -d ' ' -f 1)" ]; then
        echo "written ${kept##* }"
    elif [ -n "$kept" ] && [ "$(echo "$kept" | cut -d ' ' -f 2)" = plain ]; then
        echo "plain ${kept##* }"
    elif [ -f "$GOOD" ] && [ "$(cat "$GOOD")" = "$(fingerprint /)" ]; then
        echo good
    elif in_a_generation "$1"; then
        echo kept
    else
        echo unknown
    fi
}

# PATH: print "SHA256 header|plain CLUSTER" of what a run last wrote there.
kept_line() { [ ! -f "$WRITTEN" ] || awk -v path="$1" '$4 == path { print $1, $2, $3 }' "$WRITTEN" | head -n 1; }

in_a_generation() {
    for number in $(numbers | tail -n 20); do
        ! cmp -s "$1" "$GENERATIONS/$number/files$1" || return 0
    done
    return 1
}
