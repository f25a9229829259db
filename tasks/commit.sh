# Put drafts in the place of the live files, each by one rename: a reader sees the old bytes or the new ones. The files
# that were live are kept as a generation before that.
#
# After draft.sh, generations.sh and selinux.sh; set before it: MANAGED (all paths of ours), WRITE ("SHA256 PATH" a line), REMOVE
# (paths), FOLDERS (which only root must be able to write to), STALE (units that must read their files again), and what
# keep_generation needs. What fails ends it: each statement stands by itself, since `set -e` passes over `a && b`.
set -e

# What this commit did before its connection was lost is not done twice, and no error.
begun=
while read -r sha256 file; do
    [ -n "$file" ] || continue
    draft=$(draft_of "$file")
    [ ! -f "$draft" ] || continue
    echo "$sha256  $file" | sha256sum --check --status 2>/dev/null || left_alone "$draft is gone"
    begun=yes
done <<END
$WRITE
END

if [ -z "$begun" ]; then keep_generation; fi

# Should this run end here, the next one finds the files as they should be and still knows which units to tell.
mkdir -p /run/kube-ha-pending
for unit in $STALE; do : >"/run/kube-ha-pending/$unit"; done

for folder in $FOLDERS; do
    chown root "$folder"
    chmod go-w "$folder"
done
while read -r _ file; do
    [ -n "$file" ] || continue
    draft=$(draft_of "$file")
    if [ -f "$draft" ]; then
        mv -f -T "$draft" "$file"
        label "$file"
    fi
    sync "${file%/*}"
done <<END
$WRITE
END
for file in $REMOVE; do
    rm -f "$file"
    sync "${file%/*}"
done
