"""Reports: read-only queries declared one file each, and one engine that shows them on screen and in files."""
