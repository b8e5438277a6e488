"""The report stage: tables that programs read, and the page that people read."""
