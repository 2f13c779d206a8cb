"""The processes that work on runs, and who launches them."""
