# Put drafts in the place of the live files, each by one rename: a reader sees the old bytes or the new ones. The files
# that were live are kept as a generation before that.
#
# After draft.sh, generations.sh and selinux.sh; set before it: MANAGED (all paths of ours), WRITE ("SHA256 PATH" a line), REMOVE
# (paths), STALE (units that must read their files again), and what keep_generation needs.
set -e

# What this commit did before its connection was lost is not done twice, and no error.
is_live() { echo "$1  $2" | sha256sum --check --status 2>/dev/null; }

begun=
while read -r sha256 file; do
    [ -n "$file" ] || continue
    [ ! -f "$(draft_of "$file")" ] || continue
    is_live "$sha256" "$file" || { echo "$(draft_of "$file") is gone; nothing was changed" >&2 && exit 1; }
    begun=yes
done <<END
$WRITE
END

[ -n "$begun" ] || keep_generation ||
    { echo "cannot keep the files as they are in $GENERATIONS; nothing was changed" >&2 && exit 1; }

# Should this run end here, the next one finds the files as they should be and still knows which units to tell.
mkdir -p /run/kube-ha-pending
for unit in $STALE; do : >"/run/kube-ha-pending/$unit"; done

while read -r _ file; do
    [ -n "$file" ] || continue
    [ ! -f "$(draft_of "$file")" ] || { mv -f "$(draft_of "$file")" "$file" && label "$file"; }
    sync "${file%/*}"
done <<END
$WRITE
END
for file in $REMOVE; do rm -f "$file" && sync "${file%/*}"; done
