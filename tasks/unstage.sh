# Take drafts away again. After draft.sh; set before it: WRITE (paths).

# shellcheck disable=SC2086  # a list of words
discard $WRITE
