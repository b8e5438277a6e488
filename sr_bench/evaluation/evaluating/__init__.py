"""A model's scores in one go: test images to LR, SR and scores, without a project."""
