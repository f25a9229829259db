# Put drafts live, each by one rename, so that a reader sees the old or the new content. Before that, keep the live files
# as a generation.
#
# After draft.sh, generations.sh, keep.sh and selinux.sh. Set before it, besides what those need:
#   MANAGED  paths of all managed files
#   WRITE    lines of "SHA256 PATH"
#   REMOVE   paths
#   FOLDERS  which only root may write to
#   STALE    units that must read their files again
# A failure ends the script. Each statement stands alone, since `set -e` ignores a failing `a` in `a && b`.
set -e

# If the connection to an earlier attempt was lost, files that this attempt has already put live are skipped.
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

# If the run ends here, the next one finds nothing to write, and these markers of units that must still read their
# files.
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
