"""What `benchmarks/recipes.py` is made of: pictures, what is summed of them, projections, judging, and the recipes."""
