# Where nftables keeps its rules, and where ours are: for scripts that stand behind it.
# shellcheck disable=SC2034  # they use these
NFT_RULES=/etc/nftables.d/kube-ha.nft
# By a pattern: a file that is gone keeps nobody's rules from being loaded.
# shellcheck disable=SC2034
NFT_INCLUDE='include "/etc/nftables.d/kube-ha*.nft" # of kube-ha'

# The file that nftables.service loads; nothing where there is no such unit.
nftables_conf() { systemctl show --property ExecStart nftables | sed -n 's/.* -f \(\/[^ ;]*\).*/\1/p' | head -n 1; }
