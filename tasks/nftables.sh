# Where nftables keeps its rules, and where ours are: for scripts that stand behind it.
# shellcheck disable=SC2034  # they use these
NFT_RULES=/etc/kube-ha/firewall.nft # in no folder that others include as a whole
# By a pattern: a file that is gone keeps nobody's rules from being loaded.
# shellcheck disable=SC2034
NFT_INCLUDE='include "/etc/kube-ha/firewall*.nft" # of kube-ha'

# The file that nftables.service loads; nothing where there is no such unit.
nftables_conf() { systemctl show --property ExecStart nftables | sed -n 's/.* -f \(\/[^ ;]*\).*/\1/p' | head -n 1; }

# CONF: tables that it makes, by itself or in files that it includes: `inet filter`, one a line.
nftables_tables() {
    [ -f "$1" ] || return 0
    included=$(grep -vxF "$NFT_INCLUDE" "$1" | sed -n 's/^[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p')
    # shellcheck disable=SC2086  # patterns, which may match several files
    sed -n 's/^[[:space:]]*\(add[[:space:]]*\|create[[:space:]]*\)\{0,1\}table[[:space:]][[:space:]]*\([^{}#;]*\).*/\2/p' "$1" $included |
        awk 'NF == 1 { print "ip " $1 } NF == 2 { print $1 " " $2 }' | sort -u
}

# In `chains`, what nft lists of them without our own table, which drops nothing. NEWLINE is set before it.
without_watch() {
    case $chains in *"table inet kube_ha_watch {"*) ;; *) return ;; esac
    before=${chains%%"table inet kube_ha_watch {"*} after=${chains#*"table inet kube_ha_watch {"}
    chains=$before${after#*"$NEWLINE}"}
}
