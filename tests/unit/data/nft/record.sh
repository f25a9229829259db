#!/bin/sh
# Records how nft itself prints each ruleset here, loaded into a network namespace that is thrown away. Needs root.
set -eu
cd "$(dirname "$0")"
for source in *.nft; do
    # shellcheck disable=SC2016 # the inner shell's argument
    unshare --net sh -c 'nft --file "$1" && nft --json list ruleset' - "$source" >"${source%.nft}.json"
done
