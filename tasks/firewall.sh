# Have this host's firewall let through what WANTED says, one rule a line, and nothing else of ours. What others made of
# it is left alone: nothing is flushed, reloaded or switched off.
#
# After nftables.sh; set before it: WANTED, and for `open_in` MARK and PRIORITY, by which our rules are known.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

# LINES OTHERS: those lines that are not among the others.
without() { printf '%s\n' "$1" | grep -vxF -e "$2" | grep . || true; }

# ZONE WHEN ("" for now, --permanent for after a boot)
rich_rules() {
    # shellcheck disable=SC2086  # a word, or none
    firewall-cmd $2 --zone="$1" --list-rich-rules | grep -F "rule priority=\"$PRIORITY\" " || true
}

# ZONE WANTED
firewalld_zone() {
    for when in '' --permanent; do
        there=$(rich_rules "$1" "$when")
        without "$2" "$there" | while read -r rule; do
            # shellcheck disable=SC2086  # a word, or none
            firewall-cmd --quiet $when --zone="$1" --add-rich-rule="$rule" </dev/null || exit
        done || exit
        without "$there" "$2" | while read -r rule; do
            # shellcheck disable=SC2086  # a word, or none
            firewall-cmd --quiet $when --zone="$1" --remove-rich-rule="$rule" </dev/null || exit
        done || exit
    done
}

# [ZONE]: the interface may have been in another one before.
open_in_firewalld() {
    for file in /etc/firewalld/zones/*.xml; do
        zone=${file##*/} zone=${zone%.xml}
        [ "$zone" = "$1" ] || ! grep -qsF "priority=\"$PRIORITY\"" "$file" || firewalld_zone "$zone" ""
    done
    [ -z "$1" ] || firewalld_zone "$1" "$WANTED"
}

ufw_rules() { ufw show added | sed -n "s/^ufw \(.*\) comment '$MARK'\$/\1/p"; }

# First in the list: what refuses stands behind it.
open_in_ufw() {
    there=$(ufw_rules)
    # shellcheck disable=SC2086  # ufw takes a rule's words one by one
    without "$WANTED" "$there" | while read -r rule; do ufw prepend $rule comment "$MARK" </dev/null >&2 || exit; done || exit
    # shellcheck disable=SC2086
    without "$there" "$WANTED" | while read -r rule; do ufw delete $rule </dev/null >&2 || exit; done || exit
}

# Rules as a file of nft has them. A table or chain that is gone by then is made, and stops nothing: the file still loads.
nft_file() {
    [ -z "$WANTED" ] || printf '%s\n' "$WANTED" | while read -r family table chain rule; do
        echo "add table $family $table"
        echo "add chain $family $table $chain"
        echo "insert rule $family $table $chain $rule comment \"$MARK: $rule\""
    done
}

nft_deletions() {
    nft --handle list ruleset | awk -v mark="comment \"$MARK: " '
        /^table/ { table = $2 " " $3 }
        /^\tchain/ { chain = $2 }
        index($0, mark) { print "delete rule " table " " chain " handle " $NF }'
}

# CONF TEXT: written beside it, and put in its place by one rename. Text that is added to is looked at by nft first.
replace_conf() {
    target=$(readlink -f "$1") && draft="${target%/*}/.${target##*/}.$MARK-new"
    cp -a "$target" "$draft" && printf '%s\n' "$2" >"$draft" && sync "$draft" || exit
    [ -z "$WANTED" ] || nft --check --file "$draft" || {
        rm -f "$draft"
        echo "nft refuses $1 with this line at its end: $NFT_INCLUDE" >&2
        exit 1
    }
    mv "$draft" "$target" || exit
}

# CONF, which nftables.service loads. What is in force comes first: so nft has read the rules before they are kept.
open_in_nftables() {
    rules=$(nft_deletions && nft_file) || exit
    [ -z "$rules" ] || printf '%s\n' "$rules" | nft --file - || exit
    if [ -n "$WANTED" ]; then
        mkdir -p "${NFT_RULES%/*}" && nft_file >"$NFT_RULES.new" && sync "$NFT_RULES.new" && mv "$NFT_RULES.new" "$NFT_RULES" || exit
        grep -qxF "$NFT_INCLUDE" "$1" || replace_conf "$1" "$(cat "$1" && echo "$NFT_INCLUDE")" || exit
    else
        [ ! -f "$1" ] || ! grep -qxF "$NFT_INCLUDE" "$1" || replace_conf "$1" "$(grep -vxF "$NFT_INCLUDE" "$1")" || exit
        rm -f "$NFT_RULES"
        [ ! -d "${NFT_RULES%/*}" ] || rmdir --ignore-fail-on-non-empty "${NFT_RULES%/*}"
    fi
}

# Nothing of ours, by whatever it was let in.
close_all() {
    WANTED=
    if command -v firewall-cmd >/dev/null && firewall-cmd --quiet --state; then open_in_firewalld ""; fi
    if command -v ufw >/dev/null; then open_in_ufw; fi
    if command -v nft >/dev/null; then open_in_nftables "$(nftables_conf)"; fi
}
