# Put drafts in the place of the live files, each by one rename: a reader sees the old bytes or the new ones.
#
# After draft.sh; set before it: WRITE, REMOVE (paths), STALE (units that must read their files again).
set -e

for file in $WRITE; do
    [ -f "$(draft_of "$file")" ] || { echo "$(draft_of "$file") is gone; nothing was changed" >&2 && exit 1; }
done

# Should this run end here, the next one finds the files as they should be and still knows which units to tell.
mkdir -p /run/kube-ha-pending
for unit in $STALE; do : >"/run/kube-ha-pending/$unit"; done

for file in $WRITE; do mv -f "$(draft_of "$file")" "$file"; done
for file in $REMOVE; do rm -f "$file"; done
for file in $WRITE $REMOVE; do sync "${file%/*}"; done
