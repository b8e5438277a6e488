"""How a table is written: Markdown, CSV, LaTeX, HTML, or plain texts for a terminal."""
