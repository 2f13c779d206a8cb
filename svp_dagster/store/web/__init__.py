"""Tables of the app alone."""
