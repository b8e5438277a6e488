"""From sr and hr to scores, and the table of scores."""
