"""What comes before a first run: an inventory, its schemas for editors, a shell's completion."""
