"""Files that people upload, and what becomes of them."""
