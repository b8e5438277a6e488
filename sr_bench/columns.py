"""The columns of the tables that other programs read."""

CELL = ["run", "method", "variant", "weights", "scale", "dataset", "protocol", "metric"]
IMAGE_COLUMNS = [*CELL, "image", "value", "signature"]  # build/scores/<run>.csv
CELL_COLUMNS = [*CELL, "value", "images", "signature"]  # reports/scores.csv
