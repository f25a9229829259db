# Make WANTED, one rule a line, the only rules of kube-ha in this host's firewall. Other rules stay: nothing is flushed or
# disabled.
#
# After nftables.sh. Set before it: WANTED, and for `open_in_*` MARK and PRIORITY, which identify our rules.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

# LINES OTHERS: print the lines that are not among the others.
without() { printf '%s\n' "$1" | grep -vxF -e "$2" | grep . || true; }

# ZONE WHEN ("" for live, --permanent for after a boot): print our rules.
rich_rules() {
    # shellcheck disable=SC2086  # a word, or none
    listed=$($FIREWALL_CMD $2 --zone="$1" --list-rich-rules) || return
    printf '%s\n' "$listed" | grep -F "rule priority=\"$PRIORITY\" " || true
}

# ZONE WANTED
firewalld_zone() {
    for when in $WHEN; do
        when=${when#now}
        there=$(rich_rules "$1" "$when") || exit
        without "$2" "$there" | while read -r rule; do
            # shellcheck disable=SC2086  # a word, or none
            $FIREWALL_CMD $when --zone="$1" --add-rich-rule="$rule" </dev/null >&2 || exit
        done || exit
        without "$there" "$2" | while read -r rule; do
            # shellcheck disable=SC2086  # a word, or none
            $FIREWALL_CMD $when --zone="$1" --remove-rich-rule="$rule" </dev/null >&2 || exit
        done || exit
    done
}

# [ZONE]: rules in other zones are removed, since the interface may have changed its zone. firewalld keeps rules while
# stopped.
open_in_firewalld() {
    FIREWALL_CMD=firewall-cmd WHEN='now --permanent'
    firewall-cmd --quiet --state || FIREWALL_CMD=firewall-offline-cmd WHEN=now
    for file in /etc/firewalld/zones/*.xml; do
        zone=${file##*/} zone=${zone%.xml}
        [ "$zone" = "$1" ] || ! grep -qsF "priority=\"$PRIORITY\"" "$file" || firewalld_zone "$zone" ""
    done
    [ -z "$1" ] || firewalld_zone "$1" "$WANTED"
}

ufw_rules() {
    listed=$(ufw show added) || return
    printf '%s\n' "$listed" | sed -n "s/^ufw \(.*\) comment '$MARK'\$/\1/p"
}

# Prepended, so that it precedes rules that reject. An existing rule of the administrator that it would replace stays.
open_in_ufw() {
    there=$(ufw_rules) || exit
    # shellcheck disable=SC2086  # ufw takes a rule's words one by one
    without "$WANTED" "$there" | while read -r rule; do ufw prepend $rule comment "$MARK" </dev/null >&2 || exit; done || exit
    # shellcheck disable=SC2086
    without "$there" "$WANTED" | while read -r rule; do ufw delete $rule </dev/null >&2 || exit; done || exit
    there=$(ufw_rules) || exit
    missing=$(without "$WANTED" "$there")
    [ -z "$missing" ] || { echo "ufw already has another rule for the same packets as: $missing" >&2 && exit 1; }
}

# Print the rules as a file of nft. A missing table or chain is made, and blocks nothing: the file still loads.
nft_file() {
    [ -z "$WANTED" ] || printf '%s\n' "$WANTED" | while read -r family table chain rule; do
        echo "add table $family $table" && echo "add chain $family $table $chain" &&
            echo "insert rule $family $table $chain $rule comment \"$MARK: $rule\"" || exit
    done
}

nft_deletions() {
    listed=$(nft --handle list ruleset) || return
    printf '%s\n' "$listed" | awk -v mark="comment \"$MARK: " '
        /^table/ { table = $2 " " $3 }
        /^\tchain/ { chain = $2 }
        index($0, mark) { print "delete rule " table " " chain " handle " $NF }'
}

# CONF: print it without our line. The last line then ends in a newline, even if it did not before.
others_part() { grep -vxF "$NFT_INCLUDE" "$1" || true; }

# CONF FILE...: write these files to a draft beside it, with its mode and owner, and rename the draft.
replace_conf() {
    target=$(readlink -f "$1") draft="${target%/*}/.${target##*/}.$MARK-new"
    shift
    cp -a "$target" "$draft" && cat "$@" >"$draft" && sync "$draft" && mv "$draft" "$target"
}

# CONF, which nftables.service loads. nft checks all that a boot would load before any rule is live or any file in
# place.
open_in_nftables() {
    folder=${NFT_RULES%/*}
    mkdir -p "$folder" && nft_file >"$folder/.rules" && echo "$NFT_INCLUDE" >"$folder/.line" || exit
    if [ -f "$1" ]; then others_part "$1" >"$folder/.conf"; else : >"$folder/.conf"; fi || exit
    [ -z "$WANTED" ] || (cd "${1%/*}" && cat "$folder/.conf" "$folder/.rules" | nft --check --file -) || {
        rm -f "$folder/.rules" "$folder/.line" "$folder/.conf"
        rmdir --ignore-fail-on-non-empty "$folder"
        echo "nft rejects $1 with kube-ha's rules appended" >&2
        exit 1
    }
    rules=$(nft_deletions && nft_file) || exit
    [ -z "$rules" ] || printf '%s\n' "$rules" | nft --file - || exit
    sync "$folder/.rules" || exit
    if [ -n "$WANTED" ]; then
        mv "$folder/.rules" "$NFT_RULES" || exit
        grep -qxF "$NFT_INCLUDE" "$1" || replace_conf "$1" "$folder/.conf" "$folder/.line" || exit
    else
        [ ! -f "$1" ] || ! grep -qxF "$NFT_INCLUDE" "$1" || replace_conf "$1" "$folder/.conf" || exit
        rm -f "$NFT_RULES"
    fi
    rm -f "$folder/.rules" "$folder/.line" "$folder/.conf"
    rmdir --ignore-fail-on-non-empty "$folder"
}

# Remove kube-ha's rules from every manager. Each runs in a shell of its own, so that one failure does not stop the
# others.
close_all() {
    WANTED='' failed=
    ! command -v firewall-cmd >/dev/null || (open_in_firewalld "") || failed="$failed firewalld"
    ! command -v ufw >/dev/null || (open_in_ufw) || failed="$failed ufw"
    ! command -v nft >/dev/null || (open_in_nftables "$(nftables_conf)") || failed="$failed nftables"
    [ -z "$failed" ] || { echo "could not remove kube-ha's rules from:$failed" >&2 && return 1; }
}
