"""What every package uses: errors, files, text formats, locks, threads."""
