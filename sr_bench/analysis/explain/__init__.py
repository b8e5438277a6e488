"""Which way of scoring or degrading explains a number: known deviations, and the search."""
