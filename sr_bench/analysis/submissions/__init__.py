"""Results of other people: a bundle that says how they were made, and its check."""
