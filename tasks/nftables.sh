# Files of nftables' rules and of kube-ha's. Scripts that follow use this.
# shellcheck disable=SC2034  # they use these
NFT_RULES=/etc/kube-ha/firewall.nft # in a folder that no configuration includes as a whole
# A pattern, so that a missing file does not prevent other rules from being loaded.
# shellcheck disable=SC2034
NFT_INCLUDE='include "/etc/kube-ha/firewall*.nft" # of kube-ha'

# Print the file that nftables.service loads; nothing if there is no such unit.
nftables_conf() { systemctl show --property ExecStart nftables | sed -n 's/.* -f \(\/[^ ;]*\).*/\1/p' | head -n 1; }

# CONF: print the tables that it makes, by itself or in files that it includes, one a line: `inet filter`.
nftables_tables() {
    [ -f "$1" ] || return 0
    included=$(grep -vxF "$NFT_INCLUDE" "$1" | sed -n 's/^[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p')
    # shellcheck disable=SC2086  # patterns, which may match several files
    sed -n 's/^[[:space:]]*\(add[[:space:]]*\|create[[:space:]]*\)\{0,1\}table[[:space:]][[:space:]]*\([^{}#;]*\).*/\2/p' "$1" $included |
        awk 'NF == 1 { print "ip " $1 } NF == 2 { print $1 " " $2 }' | sort -u
}
