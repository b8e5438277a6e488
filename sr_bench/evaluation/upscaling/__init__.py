"""From hr to lr to sr: a run on its datasets."""
