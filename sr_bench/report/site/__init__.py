"""``reports/index.html``: one static page that opens from disk, without a network."""
