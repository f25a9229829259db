# How a script answers: in sections that begin with a line "@NONCE SECTION", to tell them from what a login shell
# prints. The last line is "@NONCE end". Set before it: NONCE.
section() { printf '\n@%s %s\n' "$NONCE" "$*"; }
