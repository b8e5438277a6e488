"""A folder with `params.yaml`: its entries, and where everything lies."""
