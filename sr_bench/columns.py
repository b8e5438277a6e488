"""The columns of the tables that other programs read."""

CELL = ["run", "method", "variant", "weights", "scale", "dataset", "protocol", "metric"]
IMAGE_COLUMNS = [*CELL, "image", "value", "signature"]  # build/scores/<run>.csv
CELL_COLUMNS = [*CELL, "value", "images", "signature"]  # reports/scores.csv
PER_IMAGE_COLUMNS = [*CELL_COLUMNS, "image"]  # reports/per_image.csv.gz
