"""What a method is, its weights, and how a network is run."""
