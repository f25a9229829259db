# Where the live configuration comes from, by what the host has kept. Before facts.sh, after the families' functions and
# generations.sh (whose names it uses). Reads and never changes.
WRITTEN=/var/lib/kube-ha/written # by written.sh

# Of each file without our header: "@NONCE origin PATH KIND [CLUSTER]", as nornir_kube_ha.facts.origin says of it. Then
# the peers that earlier generations of keepalived.conf name.
origins() {
    for file in /etc/haproxy/haproxy.cfg /etc/keepalived/keepalived.conf; do
        [ -f "$file" ] || continue
        grep -qsF 'Written by nornir-kube-ha for cluster' "$file" || section origin "$file" "$(origin_of "$file")"
    done
    section kept_peers
    for number in $(numbers | tail -n 20); do
        [ ! -f "$GENERATIONS/$number/files/etc/keepalived/keepalived.conf" ] ||
            head -c 100000 "$GENERATIONS/$number/files/etc/keepalived/keepalived.conf"
    done | awk '/unicast_peer/ { within = 1 } within { print } /}/ { within = 0 }' | grep -oE '[0-9a-fA-F:.]{3,45}' |
        sort -u | head -n 200
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

# PATH: "SHA256 header|plain CLUSTER" of what a run wrote there last.
kept_line() { [ ! -f "$WRITTEN" ] || awk -v path="$1" '$4 == path { print $1, $2, $3 }' "$WRITTEN" | head -n 1; }

in_a_generation() {
    for number in $(numbers | tail -n 20); do
        ! cmp -s "$1" "$GENERATIONS/$number/files$1" || return 0
    done
    return 1
}
