"""What `benchmarks/figures.py` is made of: results, single figures, tables and paragraphs of them, marks in pages."""
