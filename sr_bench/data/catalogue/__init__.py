"""Everything that is known by name: datasets, weights, protocols."""
