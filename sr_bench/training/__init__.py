"""Training: one loop for every method, a recipe per variant as data in the method's file."""
