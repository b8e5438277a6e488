"""Published numbers compared with the measured ones."""
