# End a fault of faults.sh, print its story, and remove what it left behind. Set before it: UNIT and FOLDER, as for
# faults.sh.
if systemctl --quiet is-active "$UNIT.timer" "$UNIT.service"; then systemctl start "$UNIT.service"; fi
systemctl stop "$UNIT.timer" 2>/dev/null
cat "$FOLDER/story"
rm -rf "$FOLDER"
