"""The sensors that look for pending rows, and start runs for them."""
