# Remove drafts. After draft.sh. Set before it: WRITE (paths).

# shellcheck disable=SC2086  # a list of words
discard $WRITE
