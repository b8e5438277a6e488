"""What is made of scores: the ledger, comparisons, explanations, drift."""
