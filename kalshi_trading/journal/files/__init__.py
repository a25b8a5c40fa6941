"""Files on disk: private, locked, appended, rotated, read on."""
